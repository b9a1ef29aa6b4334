"""Servers on this machine, for lessons and tests: a real one, a scripted one.

Both speak HTTP on loopback, so nothing leaves the machine.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

from helpers.prompts import prompt_hash

SERVING = ("fastapi", "openai", "uvicorn")     # what transformers serve needs


def start_server(folder, patience=300):
    """``transformers serve`` with the model in ``folder``: (process, name).

    The name is one for :func:`helpers.teachers.load_teacher`: the server
    continues the bare text.  The process ends with this one at the latest.
    Raises ``ImportError`` where a package is missing, and ``RuntimeError``
    if there is no answer within ``patience`` seconds.  Introduced in notebook
    08.
    """
    missing = [name for name in SERVING if not find_spec(name)]
    if missing:
        raise ImportError(f"the server needs {', '.join(missing)}: pip "
                          f"install 'transformers[serving]', then run this "
                          f"cell again; what follows does without it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "transformers.cli.transformers", "serve",
         str(folder), "--host", "127.0.0.1", "--port", str(port), "--device",
         "cpu"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,      # and it asks nobody for a newer one
        env=os.environ | {"HF_HUB_DISABLE_UPDATE_CHECK": "1"})
    atexit.register(server.kill)
    end = time.monotonic() + patience
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health",
                                   timeout=2).close()
            return server, f"http://127.0.0.1:{port}/v1/completions#{folder}"
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError("the server did not start; run `transformers serve "
                       "FOLDER` in a terminal to read why")


class ScriptedServer:
    """A server that refuses by a script, and answers from a recording.

    ``script``: what to say to the next requests, in order; a status, or
    (status, headers), or (status, headers, body); None is an answer.  It
    knows the prompts of ``recording`` (:mod:`helpers.teachers.recording`)
    and gives their samples one after the other, n at a time.  ``latency``
    seconds pass before it says anything, which is what a large model far
    away needs; requests are served side by side.  ``seen`` has (seconds
    since the start, status) of each request.  Introduced in notebook 08.
    """

    def __init__(self, recording, script=(), latency=0.0):
        self.recording, self.script = recording, list(script)
        self.latency, self.seen, self.given = latency, [], {}
        self.lock, self.began = threading.Lock(), time.monotonic()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_POST(self):
                server.reply(self)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,),
                         daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1/completions"

    def reply(self, client):
        """Answer one request of the HTTP library's ``client``."""
        length = int(client.headers.get("Content-Length") or 0)
        asked = json.loads(client.rfile.read(length) or b"{}")
        time.sleep(self.latency)
        with self.lock:
            said = self.script.pop(0) if self.script else None
            if said is None:
                said = self.answer(asked)
            said = said if isinstance(said, tuple) else (said,)
            status, headers, body = (*said, {}, {})[:3]
            self.seen.append((time.monotonic() - self.began, status))
        if not body and status != 200:
            body = {"error": {"message": f"the script says {status}"}}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        client.send_response(status)
        for name, value in headers.items():
            client.send_header(name, value)
        client.send_header("Content-Type", "application/json")
        client.send_header("Content-Length", str(len(data)))
        client.end_headers()
        client.wfile.write(data)

    def answer(self, asked):
        """(status, headers, body) for the JSON of a request."""
        chat = asked.get("messages")
        prompt = chat[-1]["content"] if chat else str(asked.get("prompt"))
        digest, n = prompt_hash(prompt), asked.get("n", 1)
        there = self.recording.recorded.get(digest, 0)
        if not there:
            return 400, {}, {"error": {"message": "no such prompt here"}}
        first = self.given.get(digest, 0)
        self.given[digest] = first + n
        texts = [self.recording.samples[digest, (first + i) % there].completion
                 for i in range(n)]
        return 200, {}, {"choices": [
            {"index": i, "finish_reason": "stop",
             **({"message": {"content": text}} if chat else {"text": text})}
            for i, text in enumerate(texts)]}

    def stop(self):
        """Close the port; what is under way ends."""
        self.http.shutdown()
        self.http.server_close()
