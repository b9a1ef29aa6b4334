"""Tests and the notebooks under nbval run without a network.

This process refuses sockets to anything but loopback, and so does every
kernel and Python that it starts.  A refusal that some library swallowed
still fails the session at its end.
"""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from helpers.tools import offline

_folder = tempfile.TemporaryDirectory(prefix="refused-")
REFUSED = Path(_folder.name) / "refused.log"


def pytest_configure(config):
    # Started in the background of a shell, Ctrl-C is ignored here and in
    # every child, and the tests that send it would wait for nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = offline.offline_environment(log=REFUSED)
    os.environ.update(environment)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    offline.refuse_network()


def pytest_collection_modifyitems(items):
    # Progress bars go to stderr and say other times each time.
    for parent in {item.parent for item in items}:
        if hasattr(parent, "skip_compare"):
            parent.skip_compare += ("stderr",)


def pytest_sessionfinish(session):
    refused = offline.refusals(REFUSED)
    if refused:
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
