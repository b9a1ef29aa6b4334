"""A kernel of this interpreter, driven as a person at a notebook would."""

import threading

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager


class Kernel:
    """Use it in a ``with``: cells run in the folder ``cwd``."""

    def __init__(self, cwd=None):
        self.manager = KernelManager(
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        self.manager.start_kernel(cwd=cwd)
        self.client = self.manager.blocking_client()
        self.client.start_channels()

    def __enter__(self):
        self.client.wait_for_ready(timeout=120)
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code, stop_at=None, stop_after=None):
        """{"stdout", "stderr": text, "error": its name, "traceback": text}.

        Jupyter's stop button is pressed as soon as ``stop_at`` stands on
        stdout, or after so many seconds.
        """
        found, stopped = dict.fromkeys(
            ("stdout", "stderr", "error", "traceback"), ""), False

        def see(message):
            nonlocal stopped
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                found[content["name"]] += content["text"]
            if kind == "error":
                found["error"] = content["ename"]
                found["traceback"] = "\n".join(content["traceback"])
            if stop_at and stop_at in found["stdout"] and not stopped:
                stopped = True
                self.manager.interrupt_kernel()

        timer = threading.Timer(stop_after or 0, self.manager.interrupt_kernel)
        if stop_after is not None:
            timer.start()
        # Else the kernel throws away what it is sent right after an error.
        reply = self.client.execute_interactive(
            code, output_hook=see, timeout=600, stop_on_error=False)
        assert reply["content"]["status"] != "aborted"
        timer.cancel()
        if stop_after is not None:
            timer.join()
        return found
