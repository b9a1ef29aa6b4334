"""A real server for the tests, and a proxy before it that makes trouble."""

import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("openai", "fastapi", "uvicorn", "pydantic")
MISSING = [name for name in NEEDED if find_spec(name) is None]


class Server:
    """``transformers serve`` with the mini teacher, on a port of loopback.

    The teacher is copied to ``folder`` and gets a chat template that hands
    the user's message on as it is, so that chat and completion say the same.
    """

    def __init__(self, folder):
        self.model = str(folder / "teacher")
        shutil.copytree(ROOT / "data/mini/models/teacher", self.model)
        for name, more in (
                ("tokenizer_config.json",
                 {"chat_template": "{{ messages[-1]['content'] }}"}),
                # The server samples only where this file says so.
                ("generation_config.json", {"do_sample": True, "top_k": 0})):
            path = Path(self.model, name)
            path.write_text(json.dumps(json.loads(path.read_text()) | more))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.log = folder / "server.log"
        self.process = None

    def start(self, patience=300):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "transformers.cli.transformers",
                 "serve", self.model, "--host", "127.0.0.1", "--port",
                 str(self.port), "--device", "cpu"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < end:
            try:
                urllib.request.urlopen(self.url[:-2] + "health", timeout=2)
                return self
            except OSError:
                time.sleep(0.1)
        self.kill()
        raise RuntimeError("the server does not start: "
                           + self.log.read_text()[-2000:])

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class Proxy:
    """Hands requests on to ``upstream`` and keeps a list of them.

    ``faults`` are taken one per request, in order; None is no fault.
    Each entry of ``seen`` tells time, path, headers, body, fault and paid
    (the choices that the server answered with, whether or not they got
    through).  With ``shares`` the server's answers are put
    together, so that the proxy gives as many choices as are asked for.
    ``most`` requests were before the server at one time.
    """

    def __init__(self, upstream, shares=False):
        self.upstream, self.shares = upstream, shares
        self.faults, self.seen, self.lock = [], [], threading.Lock()
        self.flying = self.most = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                proxy.handle(self)

            do_POST = do_GET

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,),
                         daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    @property
    def paid(self):
        return sum(entry["paid"] for entry in self.seen)

    @property
    def asked(self):
        """Requests for completions."""
        return [e for e in self.seen if e["path"].endswith("completions")]

    def forward(self, entry):
        """The server's answer as bytes, and how many choices it has."""
        body = dict(entry["body"] or {})
        count = body.get("n", 1) if self.shares else 1
        parts = []
        for at in range(count):
            if "seed" in body:
                body["seed"] = entry["body"]["seed"] + at
            request = urllib.request.Request(
                self.upstream[:-3] + entry["path"],
                json.dumps(body).encode() if entry["body"] else None,
                {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                parts.append(json.loads(answer.read()))
        whole = parts[0]
        if count > 1:
            whole["choices"] = [part["choices"][0] for part in parts]
            whole["usage"]["completion_tokens"] = sum(
                part["usage"]["completion_tokens"] for part in parts)
        return json.dumps(whole).encode(), count

    def handle(self, client):
        length = int(client.headers.get("Content-Length") or 0)
        body = json.loads(client.rfile.read(length)) if length else None
        entry = {"time": time.monotonic(), "path": client.path, "paid": 0,
                 "headers": dict(client.headers), "body": body}
        with self.lock:
            entry["fault"] = self.faults.pop(0) if self.faults else None
            self.seen.append(entry)
        try:
            self.answer(client, entry)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self, client, entry):
        fault = entry["fault"]
        if callable(fault):
            fault = fault(entry)
        if isinstance(fault, tuple):             # status, headers, text
            status, headers, text = fault
            data = text.encode() if isinstance(text, str) else text
            return reply(client, status, data, headers)
        with self.lock:
            self.flying += 1
            self.most = max(self.most, self.flying)
        try:
            data, entry["paid"] = self.forward(entry)
            if isinstance(fault, float):         # seconds too late
                time.sleep(fault)
        except urllib.error.HTTPError as error:
            return reply(client, error.code, error.read())
        except OSError:                          # the server is gone
            return reset(client)
        finally:
            with self.lock:
                self.flying -= 1
        if fault == "reset":
            return reset(client)
        if fault == "half":                      # and the connection ends
            return reply(client, 200, data[:len(data) // 2],
                         length=len(data))
        if fault == "half json":
            return reply(client, 200, data[:len(data) // 2])
        reply(client, 200, data)


def reply(client, status, data, headers=(), length=None):
    client.send_response(status)
    for name, value in dict(headers).items():
        client.send_header(name, value)
    client.send_header("Content-Type", "application/json")
    client.send_header("Content-Length", str(length or len(data)))
    client.end_headers()
    client.wfile.write(data)
    client.close_connection = True


def reset(client):
    """Cut the line without a goodbye."""
    client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
    client.connection.close()
    client.close_connection = True
