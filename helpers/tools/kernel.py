"""Executing notebooks: one fresh kernel each, watched, and cleaned up after.

A notebook's own caches and checkpoints carry it over a kill; this module
keeps what was executed so far, ends every process that it started, and says
in one sentence what went wrong.  Introduced in notebook 00, section 1.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from helpers.tools import offline
from helpers.tools.files import write_text
from helpers.tools.processes import MemoryWatch, end_processes, family
from helpers.tools.records import Row, headline_of

GRACE = 3.0                     # seconds between Ctrl-C and the kill


class NotebookFailed(Exception):
    """A notebook did not reach its end; the message is one sentence.

    Introduced in notebook 00, section 1.  ``cell`` is the source of the
    failing cell, ``row`` what was measured until then.
    """

    def __init__(self, sentence, cell="", row=None):
        super().__init__(sentence)
        self.cell, self.row = cell, row


class Stopped(NotebookFailed):
    """The reader, or a signal, stopped the run.

    Introduced in notebook 00, section 1.
    """


class _ThisPython(KernelSpecManager):
    """The kernel of this very interpreter, whatever else is registered."""

    def get_kernel_spec(self, kernel_name):
        return self.kernel_spec_class(resource_dir=str(RESOURCES),
                                      **get_kernel_dict())


class _Client(NotebookClient):
    """Shows the last line of a cell's own progress bar behind ours."""

    bar = None

    def process_message(self, msg, cell, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream" and content["name"] == "stderr":
            lines = re.split(r"[\r\n]+", content["text"].strip())
            self.bar.set_postfix_str(lines[-1][:60], refresh=False)
            self.bar.update(0)
        return super().process_message(msg, cell, cell_index)


class _Execution:
    """One notebook on one kernel, from start to the end of its processes."""

    def __init__(self, path, target, environment, guarded, started):
        self.path, self.target, self.environment = path, target, environment
        self.guarded, self.started = guarded, started
        self.notebook = nbformat.read(path, as_version=4)
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        self.codes = [
            (index, cell) for index, cell in enumerate(self.notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()]
        self.client = _Client(self.notebook, timeout=None,
                              coalesce_streams=True, record_timing=False)
        self.kernel = self.signal = self.watch = None
        self.cell, self.count = "", 0

    async def run(self):
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:      # nohup
                loop.add_signal_handler(number, self.on_signal, number)
        self.client.bar = tqdm(
            total=len(self.codes), unit="cell", desc=self.path.stem[:30],
            ascii=" #", dynamic_ncols=True, leave=False,
            mininterval=0.2 if sys.stderr.isatty() else 20)
        try:
            await self.start()
            for index, cell in self.codes:
                if self.signal:
                    break
                await self.execute(index, cell)
        finally:
            self.client.bar.close()
            await self.end()

    async def start(self):
        client = self.client
        client.km = AsyncKernelManager(kernel_spec_manager=_ThisPython())
        await client.async_start_new_kernel(
            cwd=str(self.path.parent), env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.kernel = client.km.provisioner.pid
        self.started(self.kernel)
        self.watch = MemoryWatch(self.kernel)
        self.watch.start()
        await client.async_start_new_kernel_client()
        if self.guarded:
            await self.prove_offline()

    async def prove_offline(self):
        """Run one unseen line: a kernel without the guard must not go on."""
        line = nbformat.v4.new_code_cell(
            "import sys; assert sys.network_refused")
        self.notebook.cells.append(line)
        try:
            await self.client.async_execute_cell(
                line, len(self.notebook.cells) - 1, store_history=False)
        except CellExecutionError:
            if not self.signal:
                raise NotebookFailed(
                    f"notebook {self.path.stem} was not run, since its kernel "
                    f"started without the offline guard; look for another "
                    f"sitecustomize.py on the Python path") from None
        finally:
            self.notebook.cells.pop()

    async def execute(self, index, cell):
        self.cell, self.count = cell.source, self.count + 1
        try:
            await self.client.async_execute_cell(
                cell, index, execution_count=self.count)
        finally:
            # After every cell, so that even a kill leaves what was done.
            write_text(self.target, nbformat.writes(self.notebook) + "\n")
        self.client.bar.update()

    async def end(self):
        if self.kernel is None:
            return
        self.watch.stop()
        processes = family(self.kernel)
        if processes and not self.signal:
            await self.client.km.shutdown_kernel(now=False)
        end_processes(processes)
        await self.client.km.shutdown_kernel(now=True)
        if self.client.kc is not None:
            self.client.kc.stop_channels()

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
                 f"{len(self.codes)}")
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

    Introduced in notebook 00, section 1.  The working directory is the
    notebook's own.  The executed copy is written to ``target`` after every
    cell, so that an error or a kill leaves what was done.  ``environment``
    are the kernel's variables; with ``guarded`` it must refuse the network,
    and ``log`` is the file of what it refused.  ``started`` is told the
    kernel's process id.  Raises ``NotebookFailed``, or ``Stopped`` after
    Ctrl-C; either way no process is left behind.
    """
    path = Path(path).resolve()
    execution = _Execution(path, target, environment, guarded, started)
    began, error = time.monotonic(), None
    try:
        asyncio.run(execution.run())
    except (CellExecutionError, NotebookFailed, RuntimeError) as caught:
        died = "ernel died" in str(caught)      # nbclient: RuntimeError
        if type(caught) is RuntimeError and not (died or execution.signal):
            raise
        error = caught
    watch = execution.watch
    row = Row(path.stem, round(time.monotonic() - began, 1),
              round(watch.peak_mb) if watch else 0,
              headline_of(execution.notebook), "done")
    if error or execution.signal:
        raise execution.failure(error, row)
    refused = offline.refusals(log) if log else []
    if refused:
        raise NotebookFailed(
            f"notebook {path.stem} tried to leave this machine although the "
            f"run is offline: {refused[0]}", row=replace(row, status="failed"))
    return row
