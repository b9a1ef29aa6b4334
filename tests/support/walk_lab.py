"""Three notebooks in a real JupyterLab, as a learner uses them.

    python tests/support/walk_lab.py [--pictures FOLDER] [NUMBER ...]

Each is opened in Chromium, all its cells are run, an exercise is answered
wrong and then right; the training of notebook 05 is stopped and gone on with.
Then all outputs are looked at in the light and in the dark theme: no error, no
warning, no rest of a progress bar, no text that cannot be read.  It happens
in a copy of the repository; some minutes, and an exit code.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import browser
from contrast import WANTED, contrast
from rehearse import copy_repository

NOTEBOOKS = ("04_filtering_by_execution", "02_asking_the_teacher",
             "05_training_a_student")
TRAINING = "ekt-student.pt"             # in the cell that is stopped
SECONDS = 900                           # for a whole notebook
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false",
                                        "checkForUpdates": False},
    # All cells are in the page, so that all are looked at.
    "notebook-extension/tracker": {"windowingMode": "none"}}
CURRENT = "[...window.jupyterapp.shell.widgets('main')][0]"
CELLS = f"""[...Array({CURRENT}.content.model.cells.length).keys()].map(
  i => {CURRENT}.content.model.cells.get(i).toJSON())"""
OUTPUTS = (".jp-OutputArea-output *, .jp-RenderedHTMLCommon p, "
           ".jp-RenderedHTMLCommon code, .cm-line span")


class Walk:
    """One notebook in a tab; ``faults`` are sentences of what was wrong."""

    def __init__(self, page, address, name, pictures):
        self.page, self.name, self.pictures = page, name, pictures
        self.faults = []
        page.wide(1400, 1000)
        page.goto(f"{address}/lab/workspaces/{name[:2]}/tree/work/"
                  f"{name}.ipynb")
        page.wait("window.jupyterapp && document.querySelector("
                  "'.jp-Notebook .jp-Cell') && "
                  f"{CURRENT}?.context?.isReady && "
                  f"{CURRENT}.sessionContext.session?.kernel?.status")
        page.run(f"window.jupyterapp.shell.activateById({CURRENT}.id)")
        self.until_idle()

    def cells(self):
        return self.page.run(CELLS)

    def command(self, name):
        """Give a command of JupyterLab, and do not wait for its end."""
        self.page.run(f"void window.jupyterapp.commands.execute('{name}')")

    def until_idle(self):
        """Wait until the kernel has nothing more to do."""
        quiet, end = 0, time.monotonic() + SECONDS
        while quiet < 5:
            idle = self.page.run(f"{CURRENT}.sessionContext.session?.kernel?"
                                 ".status") == "idle"
            quiet = quiet + 1 if idle else 0
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} did not come to an end")
            time.sleep(0.3)

    def run_cell(self, index, source=None):
        """Run one cell, with another source if one is given: its text."""
        if source is not None:
            self.page.run(f"{CURRENT}.content.model.cells.get({index})"
                          f".sharedModel.setSource({json.dumps(source)})")
        self.page.run(f"{CURRENT}.content.activeCellIndex = {index}")
        self.command("notebook:run-cell")
        time.sleep(0.5)
        self.until_idle()
        return text_of(self.cells()[index])

    def want(self, true, sentence):
        print(f"{self.name[:2]} {'ok   ' if true else 'FAULT'} {sentence}",
              flush=True)
        if not true:
            self.faults.append(f"{self.name}: {sentence}")

    def run_all(self, stop_at=None):
        """Run all; press stop when the cell with ``stop_at`` is at work."""
        self.command("notebook:run-all-cells")
        if stop_at:
            index = [stop_at in "".join(cell["source"])
                     for cell in self.cells()].index(True)
            prompt = (f"{CURRENT}.content.widgets[{index}].node.querySelector("
                      f"'.jp-InputPrompt').textContent.includes('*') && "
                      f"{CURRENT}.content.widgets[{index}].node"
                      f".querySelector('.jp-OutputArea-output')")
            end = time.monotonic() + SECONDS
            while not self.page.run(f"!!({prompt})"):
                if time.monotonic() > end:
                    raise TimeoutError("the cell to be stopped never began")
                time.sleep(0.1)
            time.sleep(2)
            self.look("at-work")
            self.command("notebook:interrupt-kernel")
            time.sleep(1)
            self.until_idle()
            said = text_of(self.cells()[index])
            self.look("stopped")
            self.want("KeyboardInterrupt" in said, "it stops when told to")
            self.want(len(said.splitlines()) < 10, "what a stop prints is "
                      f"short: {len(said.splitlines())} lines")
            print("   ", said.strip().splitlines()[-1][:160])
            said = self.run_cell(index)
            self.want("88 updates" in said and "Error" not in said,
                      "and goes on when it is run again")
            self.page.run(f"{CURRENT}.content.activeCellIndex = {index + 1}")
            self.command("notebook:run-all-below")
            time.sleep(1)
        self.until_idle()
        cells = [cell for cell in self.cells() if cell["cell_type"] == "code"]
        self.want(all(cell["execution_count"] for cell in cells),
                  "every cell has run")

    def answer(self):
        """The first exercise, answered wrong and then right."""
        cells = self.cells()
        at = ["exercise" in cell["metadata"].get("tags", ())
              for cell in cells].index(True)
        check = next(i for i in range(at, len(cells))
                     if "yours(" in "".join(cells[i]["source"]))
        solution = next(re.search(r"Solution.*?```python\n(.*?)```",
                                  "".join(cell["source"]), re.DOTALL)[1]
                        for cell in cells[at:] if "Solution" in "".join(
                            cell["source"]))
        name = re.findall(r"(?m)^def (\w+)", solution)[-1]
        for source, wanted in (
                (f"def {name}(*_, **more):\n    return 7", "the collection's"),
                (solution, "your")):
            self.run_cell(at, source)
            said = self.run_cell(check)
            self.want(f"from here on: {wanted} {name}" in said,
                      f"an answer makes it go on with {wanted} {name}")

    def look(self, name):
        if self.pictures:
            self.page.picture(self.pictures / f"{self.name[:2]}-{name}.png")

    def outputs(self):
        """What must not be there, and what cannot be read, in both themes."""
        for i, cell in enumerate(self.cells()):
            for output in cell.get("outputs", ()):
                what = output.get("name") or output["output_type"]
                if what in ("stderr", "error"):
                    self.want(False, f"cell {i} has {what}: "
                              f"{text_of(cell)[-200:]!r}")
        printed = "".join(map(text_of, self.cells()))
        self.want(not re.search(r"\d+%\|", printed) and "\r" not in printed,
                  "no rest of a progress bar")
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            self.page.run("window.jupyterapp.commands.execute("
                          f"'apputils:change-theme', {{theme: '{theme}'}})")
            light = str(theme.endswith("Light")).lower()
            self.page.wait("document.body.dataset.jpThemeLight == "
                           f"'{light}'")
            time.sleep(1)
            poor = [one for one in self.page.colours(OUTPUTS)
                    if one[1] and contrast(one[1], one[2]) < WANTED]
            ours = [one for one in poor if not re.search(
                r"^(cm-|ͼ|Cm)", one[0])]
            self.want(not ours, f"{theme}: all outputs can be read {ours}")
            if len(poor) > len(ours):
                print("    JupyterLab's own colours of code below "
                      f"{WANTED}: {len(poor) - len(ours)}")
            for where in range(0, len(self.cells()), 12):
                self.page.run(f"{CURRENT}.content.widgets[{where}].node"
                              f".scrollIntoView()")
                self.look(f"{theme.split()[1]}-{where:02}")
        self.page.run("window.jupyterapp.commands.execute('docmanager:save')")


def text_of(cell):
    """All that a cell has printed, errors too."""
    return "".join(
        "".join(output.get("text", "")) + "\n".join(
            output.get("traceback", ())) for output in cell.get("outputs", ()))


def start(folder):
    """JupyterLab in ``folder``: (its process, its address)."""
    settings = folder.parent / "settings"
    for name, values in SETTINGS.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
         "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=",
         "--ServerApp.preferred_dir=work", "--expose-app-in-browser"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(settings),
                          "JUPYTER_CONFIG_DIR": str(settings / "config"),
                          "PYTHONPATH": str(folder), "PROFILE": "mini"})
    address = f"http://127.0.0.1:{port}"

    def answers():
        with socket.socket() as asked:
            return process.poll() is not None or (
                asked.connect_ex(("127.0.0.1", port)) == 0)

    browser.wait(answers)
    return process, address


def main(argv=None):
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="a folder for them")
    parser.add_argument("number", nargs="*", help="such as 05; all three "
                        "if there is none")
    options = parser.parse_args(argv)
    if lacking := browser.missing():
        print(lacking, file=sys.stderr)
        return 2
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    faults = []
    with tempfile.TemporaryDirectory(prefix="lab-") as scratch:
        copy = copy_repository(Path(scratch) / "copy")
        subprocess.run([sys.executable, "-m", "helpers", "workbooks"],
                       cwd=copy, check=True, env=os.environ | {
                           "PYTHONPATH": str(copy)})
        process, address = start(copy)
        chromium = None
        try:
            chromium = browser.Browser()
            for name in NOTEBOOKS:
                if options.number and name[:2] not in options.number:
                    continue
                walk = Walk(chromium.page(), address, name, options.pictures)
                walk.run_all(TRAINING if name.startswith("05") else None)
                walk.answer()
                walk.outputs()
                faults += walk.faults
                walk.command("kernelmenu:shutdown")
        finally:
            if chromium:
                chromium.close()
            process.terminate()
            process.wait()
    print(f"{len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
