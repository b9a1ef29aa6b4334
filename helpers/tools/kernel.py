"""Executing notebooks: one fresh kernel each, watched, and cleaned up after.

A notebook's own caches and checkpoints carry it over a kill; this module
keeps what was executed so far, ends every process that it started, and says
in one sentence what went wrong.
"""

import asyncio
import os
import signal
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers.progress import progress_bar
from helpers.tools import offline
from helpers.tools.files import write_text
from helpers.tools.processes import MemoryWatch, end_processes, family
from helpers.tools.records import Row, headline_of

GRACE = 3.0                     # seconds between Ctrl-C and the kill


class NotebookFailed(Exception):
    """A notebook did not reach its end; the message is one sentence.

    ``cell`` is the source of the failing cell, ``row`` what was measured until
    then.
    """

    def __init__(self, sentence, cell="", row=None):
        super().__init__(sentence)
        self.cell, self.row = cell, row


class Stopped(NotebookFailed):
    """The reader, or a signal, stopped the run."""


class _Client(NotebookClient):
    """Executes a notebook on a kernel that leaves no process behind.

    The library ends a run at the first signal and ends the kernel alone.
    Here the cell is interrupted first, so that it can save what it has, and
    all processes of the kernel are ended.
    """

    def __init__(self, path, target, guarded, started):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        # The kernel of this very interpreter, whatever else is registered.
        super().__init__(
            notebook, AsyncKernelManager(
                kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
            timeout=None, shell_timeout_interval=1,
            coalesce_streams=True, record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
            on_notebook_start=self.prove_offline if guarded else None,
            on_cell_execute=self.on_next, on_cell_executed=self.on_done)
        self.path, self.target, self.started = path, target, started
        self.codes = sum(cell.cell_type == "code" and bool(cell.source.strip())
                         for cell in notebook.cells)
        self.kernel = self.signal = self.watch = None
        self.cell, self.count = "", 0

    async def run(self, environment):
        """Execute the whole notebook."""
        self.bar = progress_bar(title=self.path.stem[:30], total=self.codes,
                                unit=" cells")
        with self.bar:
            await self.async_execute(
                env=environment, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)

    @asynccontextmanager
    async def async_setup_kernel(self, **options):
        """The kernel and its end, in place of the library's."""
        loop, manager = asyncio.get_running_loop(), self.km
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:      # nohup
                loop.add_signal_handler(number, self.on_signal, number)
        try:
            await self.async_start_new_kernel(**options)
            self.kernel = self.km.provisioner.pid
            self.started(self.kernel)
            self.watch = MemoryWatch(self.kernel)
            self.watch.start()
            await self.async_start_new_kernel_client()
            try:
                yield
                await self.leave_garbage()
            finally:
                self.save()
        finally:
            if self.kernel:
                await self.end(manager)

    async def leave_garbage(self):
        """Python looks through all objects as it ends, for a second and more;
        of a kernel whose process is at its end nobody needs that.
        """
        asked = self.kc.execute("import gc; gc.freeze()", silent=True)
        with suppress(RuntimeError):            # it has died
            await self.async_wait_for_reply(asked)

    async def end(self, manager):
        self.watch.stop()
        processes = family(self.kernel)
        if processes and not self.signal:
            await manager.shutdown_kernel(now=False)
        end_processes(processes)
        await manager.shutdown_kernel(now=True)
        if self.kc is not None:
            self.kc.stop_channels()

    async def prove_offline(self, notebook):
        """Ask the kernel: one without the guard must not go on."""
        asked = self.kc.execute("", silent=True, user_expressions={
            "refused": "__import__('sys').network_refused"})
        reply = await self.async_wait_for_reply(asked)
        said = reply["content"].get("user_expressions", {}).get("refused", {})
        if said.get("data", {}).get("text/plain") != "True":
            raise NotebookFailed(
                f"notebook {self.path.stem} was not run, since its kernel "
                f"started without the offline guard; look for another "
                f"sitecustomize.py on the Python path")

    def on_next(self, cell, cell_index):
        """Before a cell: keep those before it, so that a kill leaves them."""
        if self.signal:
            raise NotebookFailed("stopped between two cells")
        self.cell, self.count = cell.source, self.count + 1
        self.save()

    def on_done(self, **_):
        self.bar.update()

    def process_message(self, msg, cell, cell_index):
        """Show a cell's own progress bar behind ours."""
        content = msg["content"]
        if msg["msg_type"] == "stream" and "\r" in content["text"]:
            last = content["text"].strip().rpartition("\r")[2]
            self.bar.set_postfix_str(last[:60], refresh=False)
            self.bar.update(0)
        return super().process_message(msg, cell, cell_index)

    def save(self):
        write_text(self.target, nbformat.writes(self.nb) + "\n")

    def on_signal(self, number):
        """First signal: interrupt the cell.  A second one, or time: kill."""
        again, self.signal = self.signal, signal.Signals(number).name
        if again:
            self.kill()
        else:
            if self.kernel and family(self.kernel):
                os.kill(self.kernel, signal.SIGINT)
            asyncio.get_running_loop().call_later(GRACE, self.kill)

    def kill(self):
        if self.kernel:
            end_processes(family(self.kernel))

    def failure(self, error, row):
        """The exception that says in one sentence how the notebook ended."""
        where = (f"notebook {row.notebook}, cell {self.count} of "
                 f"{self.codes}")
        row = replace(row, status="stopped" if self.signal else "failed")
        if self.signal:
            return Stopped(f"stopped by {self.signal} in {where}", row=row)
        if isinstance(error, NotebookFailed):
            return NotebookFailed(str(error), row=row)
        if isinstance(error, CellExecutionError):
            reason = " ".join(f"{error.ename}: {error.evalue}".split())
            return NotebookFailed(f"{where}, failed: {reason}", self.cell,
                                  row)
        return NotebookFailed(
            f"{where}: the kernel was killed, most often because memory ran "
            f"out (its peak was {row.peak_mb} MB); close other programs and "
            f"run again, it continues where it stopped", self.cell, row)


def execute_notebook(path, target, environment, guarded=True, log=None,
                     started=lambda pid: None):
    """Execute the notebook ``path`` on a fresh kernel; return its ``Row``.

    The working directory is the notebook's own.  The executed copy is written
    to ``target`` after every cell, so that an error or a kill leaves what was
    done.  ``environment`` are the kernel's variables; with ``guarded`` it must
    refuse the network, and ``log`` is the file of what it refused.
    ``started`` is told the kernel's process id.  Raises ``NotebookFailed``, or
    ``Stopped`` after Ctrl-C; either way no process is left behind.
    """
    path = Path(path).resolve()
    client = _Client(path, target, guarded, started)
    began, error = time.monotonic(), None
    try:
        asyncio.run(client.run(environment))
    except (CellExecutionError, NotebookFailed, RuntimeError) as caught:
        died = "ernel died" in str(caught)      # nbclient: RuntimeError
        if type(caught) is RuntimeError and not (died or client.signal):
            raise
        error = caught
    watch = client.watch
    row = Row(path.stem, round(time.monotonic() - began, 1),
              round(watch.peak_mb) if watch else 0,
              headline_of(client.nb), "done")
    if error or client.signal:
        raise client.failure(error, row)
    refused = offline.refusals(log) if log else []
    if refused:
        raise NotebookFailed(
            f"notebook {path.stem} tried to leave this machine although the "
            f"run is offline: {refused[0]}", row=replace(row, status="failed"))
    return row
