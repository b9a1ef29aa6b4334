"""Processes that compute all the time, as a busy machine has them."""

import contextlib
import os
import subprocess
import sys

# It ends with who began it: one that stayed would spoil what is timed next.
COMPUTES = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(10 ** 5):
        pass
"""


@contextlib.contextmanager
def busy_processes(number):
    """So many of them run within the block."""
    running = [subprocess.Popen([sys.executable, "-c", COMPUTES,
                                 str(os.getpid())]) for _ in range(number)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
