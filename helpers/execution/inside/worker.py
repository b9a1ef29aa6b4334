"""The other side of helpers.execution: two processes, a fork per program.

Started as ``python worker.py SCRATCH`` by ``helpers.execution.workers``,
never imported by it.  This process goes on as ``serving.py``, which talks to
the other side; the one that it forks here, as ``forkserver.py``, which forks
the programs.  Neither has imported yet what only the other one needs.
"""

import os
import sys

import _socket

HERE = os.path.dirname(os.path.abspath(__file__))


def neighbour(name):
    """Imports a file of this folder, and leaves no way to it behind."""
    sys.path.insert(0, HERE)
    try:
        return __import__(name)
    finally:
        sys.path.remove(HERE)


def main(scratch):
    """Enters the namespaces, and becomes two processes."""
    os.environ.clear()
    isolation = neighbour("isolation")
    layers, nonce = isolation.enter(scratch), os.urandom(8).hex()
    door, its_door = _socket.socketpair()
    pid = os.fork()
    if pid == 0:
        door.detach()                    # or it is closed when Python ends
        ended, any_error, leave = SystemExit, BaseException, os._exit
        try:
            neighbour("forkserver").main(its_door, scratch, layers, nonce)
        except ended:                    # a script, the way Python ends
            raise
        except any_error:
            pass
        leave(0)
    its_door.close()
    try:
        neighbour("serving").main(pid, door, scratch, nonce)
    finally:
        door.close()                     # ends the fork server
        os.waitpid(pid, 0)
        isolation.leave(scratch)


if __name__ == "__main__":
    main(sys.argv[1])
