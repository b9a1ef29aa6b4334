"""Offline, proved: a process may be told to refuse every way out.

The guard is an audit hook, so it sees the sockets of every Python library
and cannot be taken out again.  It does not see sockets that compiled code
opens by itself; for those, the libraries are also told to stay offline and
proxies are removed.  This file imports the standard library only, since
every kernel loads it before anything else.
"""

import ipaddress
import os
import socket
import sys
from pathlib import Path

GUARD = Path(__file__).resolve().parent / "guard"
SWITCH = "REFUSE_NETWORK"
LOG = "REFUSE_NETWORK_LOG"
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# Audit event -> where its arguments hold the address or the host name.
ADDRESS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1,
           "socket.sendmsg": 1}
HOST_NAME = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0,
        "socket.gethostbyaddr": 0}


def is_local(host):
    """Whether ``host`` (a name or an address) is this machine's loopback.

    No name is looked up for it.
    """
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host is None or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _outside(event, arguments):
    """The address that ``event`` is about to reach, if it is not local."""
    if event in HOST_NAME:
        host = arguments[HOST_NAME[event]]
        # Asking for one's own name does not leave the machine.
        own = host in ("", b"", socket.gethostname())
        return None if own or is_local(host) else host
    if event in ADDRESS:
        sock, address = arguments[0], arguments[ADDRESS[event]]
        if sock.family == getattr(socket, "AF_UNIX", None) or address is None:
            return None
        if isinstance(address, tuple) and is_local(address[0]):
            return None
        return address
    return None


def _guard(event, arguments):
    if not event.startswith("socket."):
        return
    outside = _outside(event, arguments)
    if outside is None:
        return
    if isinstance(outside, tuple):
        outside = ":".join(str(part) for part in outside[:2])
    sentence = (f"this run is offline and refuses {event.partition('.')[2]} "
                f"to {outside}; only this machine's loopback is allowed")
    # A library may catch the error and carry on: the record stays.
    if os.environ.get(LOG):
        with open(os.environ[LOG], "a", encoding="utf-8") as log:
            log.write(f"{event} {outside}\n")
    raise OSError(sentence)


def _wrap(method, event):
    """Ask the guard before ``method`` looks up a host name by itself."""
    original = getattr(socket.socket, method)

    def guarded(self, *arguments):
        if arguments:
            _guard(event, (self, arguments[-1]))
        return original(self, *arguments)

    setattr(socket.socket, method, guarded)


def refuse_network():
    """Refuse this process everything but loopback and unix sockets.

    Connecting, binding, sending and looking up names elsewhere raise
    ``OSError`` with one sentence, and leave a line in the file that the
    variable ``REFUSE_NETWORK_LOG`` names.  It lasts as long as the process;
    calling it again changes nothing.
    """
    if not network_refused():
        sys.addaudithook(_guard)
        # These resolve a name in their address before the event is raised.
        for method in ("connect", "connect_ex", "bind", "sendto"):
            _wrap(method, f"socket.{method.removesuffix('_ex')}")
        sys.network_refused = True


def network_refused():
    """Whether ``refuse_network`` is at work in this process."""
    return getattr(sys, "network_refused", False)


def refusals(log):
    """What was refused so far: the lines of the file ``log``, if any."""
    log = Path(log)
    return log.read_text("utf-8").splitlines() if log.exists() else []


def offline_environment(environment=None, log=None):
    """A copy of ``environment`` whose Python processes refuse the network.

    Every Python started with it loads ``helpers/guard/sitecustomize.py``,
    which calls ``refuse_network``, and the Hugging Face libraries are told to
    stay offline.  ``log`` is the file that collects refusals.
    """
    environment = dict(os.environ if environment is None else environment)
    for name in PROXIES:
        environment.pop(name, None)
        environment.pop(name.upper(), None)
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(GUARD), *(path for path in paths
                           if path and path != str(GUARD))]
    environment.update(QUIET, PYTHONPATH=os.pathsep.join(paths), NO_PROXY="*")
    environment[SWITCH] = "1"
    if log:
        environment[LOG] = str(log)
    return environment
