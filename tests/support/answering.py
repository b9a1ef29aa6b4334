"""A server on this machine that speaks OpenAI's protocol for real models."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpers.sampling import sample
from helpers.teachers.checkpoint import load_model


def whole(text):
    """No cut: where a completion ends is for the client to say."""
    return text, "length"


class Answering:
    """Serves checkpoints by their folders' names; ``asked`` counts choices.

    Bare texts in, texts out: no probabilities leave it.
    """

    def __init__(self):
        self.models, self.asked, self.lock = {}, {}, threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                with server.lock:
                    data = json.dumps(server.answer(json.loads(
                        self.rfile.read(length)))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.05,),
                         daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1/completions"

    def answer(self, asked):
        name = asked["model"]
        if name not in self.models:
            self.models[name] = load_model(f"data/mini/models/{name}")
        drawn = sample(self.models[name], {"asked": asked["prompt"]},
                       n=asked["n"], temperature=asked["temperature"],
                       seed=asked["seed"], max_new_tokens=asked["max_tokens"],
                       max_prompt_tokens=2000, cut=whole, progress=False)
        self.asked[name] = self.asked.get(name, 0) + len(drawn)
        return {"choices": [
            {"index": i, "text": one.completion, "finish_reason": "length"}
            for i, one in enumerate(drawn)]}

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
