"""Tests and the notebooks under nbval run without a network.

This process refuses sockets to anything but loopback, and so does every
kernel and Python that it starts.  A refusal that some library swallowed
still fails the session at its end.  Of the notebooks every cell runs twice:
``tests/support/twice.py``.
"""

import gc
import os
import signal
import tempfile
from functools import partial
from pathlib import Path

import pytest

from helpers.tools import offline

_folder = tempfile.TemporaryDirectory(prefix="tests-")
REFUSED = Path(_folder.name) / "refused.log"
COPY = Path(_folder.name) / "copy"


def pytest_configure(config):
    # Started in the background of a shell, Ctrl-C is ignored here and in
    # every child, and the tests that send it would wait for nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The tests say themselves which profile they mean.
    os.environ.pop("PROFILE", None)
    environment = offline.offline_environment(log=REFUSED)
    os.environ.update(environment)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    offline.refuse_network()


def pytest_collection_modifyitems(items):
    if not any(hasattr(item, "cell_num") for item in items):
        return
    import twice                       # tests/support is on the path by now
    for item in items:
        if hasattr(item, "cell_num"):
            item.runtest = partial(twice.run_twice, item)
            item.compare_outputs = partial(twice.compare, item)
            item.parent.setup = partial(twice.in_a_copy, item.parent, COPY)


def pytest_collection_finish():
    # What torch and the collected tests are made of stays: no collection of
    # garbage has to go through it again.
    gc.freeze()


def pytest_sessionfinish(session):
    if offline.refusals(REFUSED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    refused = offline.refusals(REFUSED)
    if refused:
        terminalreporter.section("the run is offline and this was refused")
        for line in refused:
            terminalreporter.line(line)
    else:
        terminalreporter.line("offline: no process tried to leave loopback")


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """The log of a test that provokes refusals on purpose."""
    log = tmp_path / "refused.log"
    monkeypatch.setenv(offline.LOG, str(log))
    return log
