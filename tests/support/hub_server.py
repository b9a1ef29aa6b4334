"""A Hub on this machine: folders served as the Hugging Face Hub serves them.

The real client (huggingface_hub, and transformers and datasets above it) is
pointed here by the variable HF_ENDPOINT.  A repository is a folder

    FOLDER/models/OWNER/NAME/REVISION/...     (or datasets/ for models/)

where REVISION is ``main``, or another branch or tag with its slashes as
%2F: ``refs%2Fconvert%2Fparquet``.  Its commit is a hash of its content and
names it as well.  By hand:

    python tests/support/hub_server.py FOLDER --port 8700
"""

import argparse
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE = 10_000           # bytes; from here on a file counts as one of LFS
WHEN = "2026-01-01T00:00:00.000Z"


class Refused(Exception):
    """An answer that is an error: status, code and message of the Hub."""


def commit_of(folder):
    """Forty hexadecimal digits that name the content of a revision."""
    digest = hashlib.sha1(str(folder.name).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Hub:
    """Serves ``folder``; a context manager.  ``url`` is its address.

    ``requests`` logs (method, path).  ``gated`` holds "owner/name" of
    repositories that ask for a licence.  ``faults`` maps a part of a path to
    what goes wrong with it, for so many times: {"model.safetensors":
    ["cut"]} breaks the connection in the middle, once.  Kinds: "cut",
    "refuse" (the connection is closed at once), "busy" (status 503),
    "change" (other bytes of the same number, with an unchanged checksum).
    """

    def __init__(self, folder, port=0):
        self.folder, self.gated, self.faults = Path(folder), set(), {}
        self.requests, self.commits, self.open = [], {}, set()
        handler = type("Bound", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):    # kept alive by a client
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fault(self, path):
        """The next fault for a path, if any; it is used up."""
        for part, kinds in self.faults.items():
            if part in path and kinds:
                return kinds.pop(0)
        return None

    def commit(self, folder):
        if folder not in self.commits:
            self.commits[folder] = commit_of(folder)
        return self.commits[folder]

    def revision(self, kind, name, revision, token):
        """The folder of a revision; raises ``Refused``."""
        repository = self.folder / kind / name
        if not repository.is_dir():
            raise Refused(401, "RepoNotFound", "Repository not found")
        if name in self.gated:
            raise Refused(403 if token else 401, "GatedRepo",
                          f"Access to {kind[:-1]} {name} is restricted.")
        folder = repository / quote(revision, safe="")
        if folder.is_dir():
            return folder
        for folder in repository.iterdir():
            if self.commit(folder) == revision:
                return folder
        raise Refused(404, "RevisionNotFound",
                      f"Invalid rev id: {revision}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *arguments):
        pass

    def setup(self):
        super().setup()
        self.hub.open.add(self.connection)

    def finish(self):
        self.hub.open.discard(self.connection)
        super().finish()

    def do_GET(self):
        self.answer(*self.split())

    do_HEAD = do_POST = do_GET

    def split(self):
        """The path's parts, still quoted, and the query."""
        url = urlsplit(self.path)
        return url.path.strip("/").split("/"), parse_qs(url.query)

    def answer(self, parts, query):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.hub.requests.append((self.command, unquote(self.path)))
        token = self.headers.get("Authorization")
        try:
            if parts[0] == "api" and parts[1] in ("models", "datasets"):
                kind, name = parts[1], "/".join(parts[2:4])
                self.api(kind, name, parts[4:], query, token)
                return
            kind = "datasets" if parts[0] == "datasets" else "models"
            parts = parts[kind == "datasets":]
            if len(parts) < 5 or parts[2] != "resolve":
                raise Refused(404, "EntryNotFound", "Not found")
            revision = unquote(parts[3])
            folder = self.hub.revision(kind, "/".join(parts[:2]), revision,
                                       token)
            self.file(folder, unquote("/".join(parts[4:])))
        except Refused as error:
            status, code, message = error.args
            self.reply(status, json.dumps({"error": message}).encode(), {
                "X-Error-Code": code, "X-Error-Message": message,
                "Content-Type": "application/json"})

    # ---- what is asked for ----

    def api(self, kind, name, rest, query, token):
        what, revision = (rest + ["revision", "main"])[:2]
        folder = self.hub.revision(kind, name, unquote(revision), token)
        files = {str(path.relative_to(folder)): path
                 for path in sorted(folder.rglob("*")) if path.is_file()}
        if what == "revision":
            value = {"_id": "0", "id": name, "sha": self.hub.commit(folder),
                     "private": False, "gated": False, "disabled": False,
                     "downloads": 0, "likes": 0, "tags": [],
                     "lastModified": WHEN, "createdAt": WHEN,
                     "siblings": [{"rfilename": path} for path in files]}
            value |= {"modelId": name} if kind == "models" else {}
        elif what == "tree":
            below = unquote("/".join(rest[2:]))
            value = self.tree(files, below, query)
        elif what == "paths-info":
            wanted = (json.loads(self.body)["paths"]
                      if self.body.startswith(b"{")
                      else parse_qs(self.body.decode())["paths"])
            value = [entry for path in wanted
                     for entry in self.entries(files, path)]
        elif what == "refs":
            value = {"branches": [], "converts": [], "tags": []}
            for folder in (self.hub.folder / kind / name).iterdir():
                ref = unquote(folder.name)
                value["converts" if ref.startswith("refs/convert/")
                      else "branches"].append({
                          "name": ref.removeprefix("refs/convert/"),
                          "ref": ref if "/" in ref else f"refs/heads/{ref}",
                          "targetCommit": self.hub.commit(folder)})
        else:
            raise Refused(404, "EntryNotFound", f"Not found: {what}")
        self.reply(200, json.dumps(value).encode(),
                   {"Content-Type": "application/json"})

    def tree(self, files, below, query):
        start = f"{below}/" if below else ""
        inside = [path for path in files if path.startswith(start)]
        if not inside:
            raise Refused(404, "EntryNotFound",
                          f"{below} does not exist on this revision")
        folders = dict.fromkeys(
            path[:place.start()] for path in inside
            for place in re.finditer("/", path)
            if path[:place.start()].startswith(start))
        if query.get("recursive", ["false"])[0].lower() not in ("true", "1"):
            inside = [p for p in inside if "/" not in p[len(start):]]
            folders = [p for p in folders if "/" not in p[len(start):]]
        return [entry for path in [*folders, *inside]
                for entry in self.entries(files, path)]

    def entries(self, files, path):
        """What the Hub tells of a path: nothing if it is not there."""
        last = {"id": "0" * 40, "title": "made", "date": WHEN}
        if path in files:
            size = files[path].stat().st_size
            etag, large = self.etag(files[path])
            lfs = {"lfs": {"oid": etag, "size": size, "pointerSize": 134}}
            return [{"type": "file", "path": path, "size": size,
                     "oid": etag[:40], "lastCommit": last,
                     **(lfs if large else {})}]
        if any(name.startswith(f"{path}/") for name in files):
            return [{"type": "directory", "path": path, "size": 0,
                     "oid": "0" * 40, "lastCommit": last}]
        return []

    def etag(self, path):
        content = path.read_bytes()
        if len(content) >= LARGE:
            return hashlib.sha256(content).hexdigest(), True
        return hashlib.sha1(b"blob %d\0" % len(content)
                            + content).hexdigest(), False

    def file(self, folder, name):
        path = (folder / name).resolve()
        if folder.resolve() not in path.parents or not path.is_file():
            raise Refused(404, "EntryNotFound", "Entry not found")
        content, (etag, large) = path.read_bytes(), self.etag(path)
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes",
                   "X-Repo-Commit": self.hub.commit(folder),
                   "Content-Type": "application/octet-stream"}
        if large:
            headers |= {"X-Linked-ETag": f'"{etag}"',
                        "X-Linked-Size": str(len(content))}
        fault = None if self.command == "HEAD" else self.hub.fault(self.path)
        if fault == "change":
            content = bytes(255 - byte for byte in content)
        status, span = 200, re.fullmatch(
            r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if span:
            first, last = span.groups()
            size = len(content)
            start = int(first) if first else max(0, size - int(last))
            stop = min(size, int(last) + 1) if first and last else size
            if start >= size:
                self.reply(416, b"", {"Content-Range": f"bytes */{size}"})
                return
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
            status, content = 206, content[start:stop]
        self.reply(status, content, headers, fault)

    def reply(self, status, content, headers, fault=None):
        if fault == "busy":
            status, content = 503, b"busy"
        if fault == "refuse":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            if fault == "cut":
                content = content[:len(content) // 2]
                self.close_connection = True
            self.wfile.write(content)


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="holds models/ and datasets/")
    parser.add_argument("--port", type=int, default=8700)
    options = parser.parse_args()
    hub = Hub(options.folder, options.port)
    print(f"HF_ENDPOINT={hub.url}", flush=True)
    try:
        hub.server.serve_forever()
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
