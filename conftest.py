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


def is_worker(config):
    """Whether this process does the tests for another one (pytest-xdist)."""
    return hasattr(config, "workerinput")


def pytest_configure(config):
    # Started in the background of a shell, Ctrl-C is ignored here and in
    # every child, and the tests that send it would wait for nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A process that tests are shared out to writes into the same file.
    global REFUSED
    if is_worker(config):
        REFUSED = Path(os.environ[offline.LOG])
    # The tests say themselves which profile they mean.
    os.environ.pop("PROFILE", None)
    environment = offline.offline_environment(log=REFUSED)
    os.environ.update(environment)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    offline.refuse_network()


@pytest.hookimpl(tryfirst=True)               # before pytest-xdist looks
def pytest_collection_modifyitems(items):
    # Progress bars go to stderr and say other times each time.
    for parent in {item.parent for item in items}:
        if hasattr(parent, "skip_compare"):
            parent.skip_compare += ("stderr",)
    # Shared out, a file's tests stay together, as they share what is costly.
    # A notebook reads what those before it wrote: one process runs them all,
    # in order, while others run the tests.
    for item in items:
        group = ("notebooks" if item.path.suffix == ".ipynb"
                 else item.nodeid.partition("::")[0])
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_sessionfinish(session):
    if offline.refusals(REFUSED) and not is_worker(session.config):
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
