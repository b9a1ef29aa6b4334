"""A real Chromium without a window, driven by its DevTools protocol.

``Browser()`` starts it, ``page = browser.page()`` opens a tab; the page says
what it requested, what its console complained about, and what a script
returns.  No name is resolved, so that nothing but loopback is reached.
Needs ``chromium`` and websocket-client, which JupyterLab brings along.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# A machine with other work is slow; what hangs is ended by this.
PATIENCE = 120

# Texts, their colour and what is behind them: [tag, "#rrggbb", "#rrggbb"].
COLOURS = """(() => {
  const hex = colour => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return a < 1 ? "" : "#" + [r, g, b].map(
      x => x.toString(16).padStart(2, "0")).join("");
  };
  const found = new Set();
  for (const one of document.querySelectorAll(CHOSEN)) {
    if (![...one.childNodes].some(
        n => n.nodeType == 3 && n.textContent.trim())) continue;
    let behind = one, page = "";
    while (behind && !(page = hex(getComputedStyle(behind).backgroundColor)))
      behind = behind.parentElement;
    found.add(JSON.stringify([one.className || one.tagName,
      hex(getComputedStyle(one).color), page || "#ffffff"]));
  }
  return [...found];
})()"""


def missing():
    """What this machine lacks to drive a browser, in words; "" if nothing."""
    try:
        import websocket  # noqa: F401
    except ImportError:
        return "needs websocket-client, which jupyterlab brings along"
    if not any(map(shutil.which, CHROMIUM)):
        return "needs chromium (Debian: apt install chromium)"
    return ""


class Browser:
    """One Chromium with a profile of its own, ended by ``close``."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="chromium-"))
        program = next(filter(None, map(shutil.which, CHROMIUM)))
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--remote-debugging-port=0",
             "--remote-allow-origins=*", "--no-first-run",
             "--disable-background-networking",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
             f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self.folder)})
        port = self.folder / "DevToolsActivePort"
        try:
            wait(lambda: self.process.poll() is not None or (
                port.exists() and port.read_text().count("\n")))
            assert self.process.poll() is None, "Chromium ended at once"
        except BaseException:
            self.close()
            raise
        self.address = f"http://127.0.0.1:{port.read_text().split()[0]}"

    def page(self):
        """A new tab."""
        request = urllib.request.Request(
            f"{self.address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as answer:
            return Page(json.load(answer)["webSocketDebuggerUrl"])

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    """A tab: ``requests`` and ``complaints`` are those since ``goto``."""

    def __init__(self, address):
        import websocket
        self.socket = websocket.create_connection(address, timeout=PATIENCE)
        self.count, self.requests, self.complaints = 0, [], []
        self.loaded = False
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        # A page without a window believes that it has the reader's focus.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method, **parameters):
        """The result of one call of the protocol."""
        self.count += 1
        self.socket.send(json.dumps({
            "id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, event):
        method, told = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"].get(
                "exception", {}).get("description", told)))
        elif (method == "Runtime.consoleAPICalled"
              and told["type"] in ("error", "assert")):
            self.complaints.append(" ".join(
                str(one.get("value", one.get("description")))
                for one in told["args"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            entry = told["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def goto(self, url):
        """Load ``url`` to its load event, and forget what was before."""
        self.requests, self.complaints, self.loaded = [], [], False
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError(f"{url}: {failed}")
        while not self.loaded:
            self._note(json.loads(self.socket.recv()))

    def run(self, script):
        """What a JavaScript expression evaluates to; promises are awaited."""
        done = self.call("Runtime.evaluate", expression=script,
                         returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"].get(
                "exception", {}).get("description"))
        return done["result"].get("value")

    def colours(self, chosen):
        """[name, colour, colour behind] of texts; ``chosen``: a selector."""
        return list(map(json.loads, self.run(
            COLOURS.replace("CHOSEN", json.dumps(chosen)))))

    def wait(self, script):
        """Wait until the expression is true, and return what it is."""
        return wait(lambda: self.run(script))

    def wide(self, width, height=900):
        """Give the page a width in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)

    def prefer(self, scheme):
        """What the system of the reader prefers: "light" or "dark"."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, whole=False):
        """A screenshot as PNG; of the ``whole`` page or of its window."""
        data = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=whole)["data"]
        Path(path).write_bytes(base64.b64decode(data))


def wait(true):
    """Wait until ``true()`` is, and return its value."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        if time.monotonic() > end:
            raise TimeoutError("the browser did not get there")
        time.sleep(0.1)
    return found
