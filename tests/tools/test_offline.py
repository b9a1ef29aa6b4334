"""Offline by proof: this process, its children, kernels and nbval's."""

import socket
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.profiles import ROOT
from helpers.tools import kernel, offline

OUTSIDE = "192.0.2.1"           # TEST-NET-1, RFC 5737: nobody's address


@pytest.mark.parametrize("reach", [
    lambda s: s.connect((OUTSIDE, 80)),
    lambda s: s.connect_ex((OUTSIDE, 80)),
    lambda s: s.connect(("example.org", 80)),
    lambda s: s.bind(("0.0.0.0", 0)),
    lambda s: s.bind(("", 0)),
    lambda s: socket.create_connection((OUTSIDE, 80), timeout=1),
    lambda s: socket.getaddrinfo("example.org", 80),
    lambda s: socket.gethostbyname("example.org"),
    lambda s: socket.gethostbyaddr(OUTSIDE),
])
def test_this_process_refuses_the_network(refused, reach):
    with socket.socket() as sock, pytest.raises(OSError, match="offline"):
        reach(sock)
    assert len(offline.refusals(refused)) == 1


def test_datagrams_and_ipv6_are_refused_too(refused):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with pytest.raises(OSError, match="offline"):
            sock.sendto(b"x", (OUTSIDE, 53))
        with pytest.raises(OSError, match="offline"):
            sock.sendmsg([b"x"], [], 0, (OUTSIDE, 53))
    if socket.has_ipv6:
        with socket.socket(socket.AF_INET6) as sock:
            for address in ("2001:db8::1", f"::ffff:{OUTSIDE}"):
                with pytest.raises(OSError, match="offline"):
                    sock.connect((address, 80))
    assert len(offline.refusals(refused)) >= 2


def test_loopback_and_unix_sockets_work(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            server.accept()[0].sendall(b"hello")
            assert client.recv(5) == b"hello"
        socket.create_connection(("localhost", server.getsockname()[1]))
    monkeypatch.chdir(tmp_path)         # unix paths are short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("here")
    assert all(map(offline.is_local, (None, "localhost", "127.8.8.8", "::1",
                                      b"127.0.0.1", "::ffff:127.0.0.1")))
    assert not any(map(offline.is_local, (
        "", "localhost.example.org", "10.0.0.1", "0.0.0.0", "::")))


def test_children_refuse_and_a_swallowed_refusal_stays_on_record(refused):
    code = ("import socket\n"
            "try: socket.create_connection(('example.org', 80))\n"
            "except OSError as error: print(error)\n")
    done = subprocess.run([sys.executable, "-c", code], text=True,
                          capture_output=True, check=True)
    assert "this run is offline" in done.stdout
    assert offline.refusals(refused) == ["socket.getaddrinfo example.org"]


def test_a_kernel_refuses_and_speaks_loopback(tmp_path, refused):
    cells = [new_code_cell(
        f"import socket\nsocket.create_connection(('{OUTSIDE}', 80))",
        metadata={"tags": ["raises-exception"]}), new_code_cell(
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    socket.create_connection(server.getsockname())\n"
        "print('spoke')")]
    path = tmp_path / "00_out.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    copy = tmp_path / "copy.ipynb"
    with pytest.raises(kernel.NotebookFailed, match="tried to leave"):
        kernel.execute_notebook(
            path, copy, offline.offline_environment(log=refused),
            log=refused)
    first, second = nbformat.read(copy, as_version=4).cells
    assert "this run is offline" in first.outputs[0].evalue
    assert second.outputs[0].text == "spoke\n"


def test_the_guard_that_cannot_load_ends_the_process(tmp_path):
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(
        (offline.GUARD / "sitecustomize.py").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "print('went on')"], text=True,
        env={"PYTHONPATH": str(tmp_path / "guard"), offline.SWITCH: "1"},
        capture_output=True)
    assert done.returncode == 70 and done.stdout == ""
    assert "failed to load" in done.stderr


def test_nbval_kernels_are_guarded_and_a_refusal_fails_the_session(tmp_path):
    def nbval(*codes):
        path = tmp_path / "00_a.ipynb"
        nbformat.write(new_notebook(cells=[
            new_code_cell(code) for code in codes]), path)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "conftest",
             "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT),
             "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env",
             str(path)], cwd=ROOT, text=True, capture_output=True)
    done = nbval("import sys; assert sys.network_refused",
                 "import os; assert os.path.exists('00_a.ipynb')")
    assert done.returncode == 0, done.stdout
    assert "offline: no process tried" in done.stdout
    done = nbval("import socket\n"
                 "try: socket.getaddrinfo('example.org', 80)\n"
                 "except OSError: pass")
    assert "1 passed" in done.stdout and done.returncode == 1
    assert "socket.getaddrinfo example.org" in done.stdout


def test_offline_environment_quiets_the_hub_and_drops_proxies():
    environment = offline.offline_environment(
        {"https_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://p",
         "PYTHONPATH": "mine"})
    assert not any("_proxy" in name.lower() for name in environment
                   if name != "NO_PROXY")
    assert environment["PYTHONPATH"].split(":") == [str(offline.GUARD),
                                                    "mine"]
    assert environment["HF_HUB_OFFLINE"] == "1"
    again = offline.offline_environment(environment)
    assert again["PYTHONPATH"] == environment["PYTHONPATH"]
