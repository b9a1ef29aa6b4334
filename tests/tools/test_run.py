"""The command line and its runner, on throw-away notebooks."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from unittest import mock

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers import __main__ as cli, profiles
from helpers.tools import (cleaning, kernel, offline, records,
                           run as run_command)
from helpers.tools.processes import RunLock

COMMAND = """
import sys
from pathlib import Path
from helpers import profiles
profiles.ROOT = Path(sys.argv[1])
from helpers.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
# Counts its own executions, and leaves a child behind unless it is ended.
SLOW = """
import os, subprocess, sys, time
log = open("../ran", "a"); log.write("x"); log.close()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
with open("../pids", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
if not os.path.exists("../go"):
    time.sleep(99)
child.kill()
"""


def write_notebook(root, name, *codes, tags=()):
    cells = [new_markdown_cell(
        "# Title\n\n| <!-- time -->TODO<!-- /time --> "
        "| TODO-memory |")]
    cells += [new_code_cell(code, metadata={"tags": list(tags)})
              for code in codes]
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def start(root, *argv):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(root), *argv], text=True,
        cwd=profiles.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(root, *argv):
    """The command in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (mock.patch.object(profiles, "ROOT", root),
          contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)):
        code = cli.main(list(argv))
    return code, out.getvalue(), err.getvalue()


def rows(root):
    path = root / "runs" / "mini" / "summary.json"
    return {row["notebook"]: row
            for row in json.loads(path.read_text())["notebooks"]}


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def alive(pid):
    return (psutil.pid_exists(pid)
            and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def pids_when_busy(root):
    file = root / "pids"
    wait_for(lambda: file.exists() and len(file.read_text().split()) == 2)
    return [int(pid) for pid in file.read_text().split()]


def test_table_copies_and_second_run(tmp_path):
    write_notebook(
        tmp_path, "00_first", "import os; print(os.getcwd())",
        "block = bytearray(200_000_000); import time; time.sleep(0.6)",
        "import os; os.makedirs('../runs/mini', exist_ok=True)\n"
        "open('../runs/mini/result.txt', 'w').write('1')\n"
        "print('HEADLINE: pass@1 3 %'); print('HEADLINE: pass@1 7 %')")
    write_notebook(tmp_path, "01_second",
                   "import os; print(os.environ['PROFILE'])")
    code, out, err = run(tmp_path, "run")
    assert code == 0, err
    assert "pass@1 7 %" in out and "pass@1 3 %" not in out
    assert "runs/mini/notebooks/" in out and "runs/mini/figures/" in out
    first = rows(tmp_path)["00_first"]
    assert first["status"] == "done" and first["peak_mb"] > 230
    copy = tmp_path / "runs/mini/notebooks/00_first.ipynb"
    executed = nbformat.read(copy, as_version=4)
    assert executed.cells[1].outputs[0].text.strip().endswith("notebooks")
    assert [c.execution_count for c in executed.cells[1:]] == [1, 2, 3]

    before = copy.stat().st_mtime_ns
    code, out, _ = run(tmp_path, "run")
    assert code == 0 and out.count("cached") == 2
    assert copy.stat().st_mtime_ns == before

    # A result that was deleted, or changed code, means executing again;
    # what comes before is not touched.
    (tmp_path / "runs/mini/result.txt").unlink()
    code, out, _ = run(tmp_path, "run")
    assert code == 0 and copy.stat().st_mtime_ns > before
    write_notebook(tmp_path, "01_second", "print(1)")
    _, out, _ = run(tmp_path, "run")
    assert "00_first: finished before" in out and "01_second: running" in out

    code, out, _ = run(tmp_path, "run", "--fresh", "1")
    assert code == 0 and "removing the notebooks' results" in out
    assert list(rows(tmp_path)) == ["01_second"]


def test_key_sees_code_before_it_but_no_prose(tmp_path):
    first = write_notebook(tmp_path, "00_a", "x = 1")
    second = write_notebook(tmp_path, "01_b", "y = 1")

    def keys():
        return [records.notebook_key(path, "mini", tmp_path)
                for path in (first, second)]
    old = keys()
    notebook = nbformat.read(first, as_version=4)
    notebook.cells[0].source = "other prose"
    nbformat.write(notebook, first)
    assert keys() == old
    write_notebook(tmp_path, "01_b", "y = 2")
    assert keys()[0] == old[0] and keys()[1] != old[1]
    write_notebook(tmp_path, "00_a", "x = 2")
    assert keys()[0] != old[0]


def test_finished_means_that_results_contain_what_they_did(tmp_path):
    """Whoever changed them; only those who made or read them run again."""
    write_notebook(tmp_path, "00_start", "print(1)")
    write_notebook(
        tmp_path, "01_makes", "import pathlib\n"
        "runs = pathlib.Path('../runs/mini')\n"
        "(runs / 'made.txt').write_text('8 epochs')\n"
        "other = pathlib.Path('../runs/mini-epochs-2')\n"
        "other.mkdir(exist_ok=True)\n"
        "(other / 'made.txt').write_text('2 epochs')\n"
        "with open(runs / 'cache', 'a') as file: file.write('1')")
    write_notebook(
        tmp_path, "02_reads", "print(open('../runs/mini/made.txt').read())\n"
        "with open('../runs/mini/cache', 'a') as file: file.write('2')")
    runs = tmp_path / "runs" / "mini"

    def ran():
        code, out, err = run(tmp_path, "run")
        assert code == 0, err
        return [line.split(":")[0] for line in out.splitlines()
                if line.endswith(": running")]
    assert ran() == ["00_start", "01_makes", "02_reads"]
    assert ran() == []                   # 02 went on writing 01's cache
    for changed in (runs / "made.txt", tmp_path / "runs" / "mini-epochs-2" /
                    "made.txt"):
        changed.write_text("3 epochs")                  # as many bytes
        assert "01_makes" in ran() and "3" not in changed.read_text()
        assert ran() == []
    # One that was deleted, of the folder beside it too.
    changed.unlink()
    assert "01_makes" in ran() and changed.exists()
    # Whoever only reads it runs again too where it comes out otherwise.
    (tmp_path / "notebooks" / "01_makes.ipynb").unlink()
    (runs / "made.txt").write_text("by hand")
    assert ran() == ["02_reads"]
    # The studies' runs, which no notebook writes.
    (runs / "results").mkdir()
    (runs / "results" / "ekt.jsonl").write_text("{}")
    assert ran() == ["00_start", "02_reads"]
    # From scratch, the results of a changed profile stay, and it says so.
    (tmp_path / "runs" / "mini-epochs-2" / "settings.json").write_text("{}")
    _, out, _ = run(tmp_path, "run", "--fresh")
    assert "those of changed profiles stay: runs/mini-epochs-2/" in out
    assert (tmp_path / "runs" / "mini-epochs-2" / "made.txt").exists()


def test_an_error_is_one_sentence_and_the_copy_stays(tmp_path):
    write_notebook(tmp_path, "03_bad", "print('so far')",
                   "raise ValueError('no exemplars:\\nadd one')", "print(3)")
    write_notebook(tmp_path, "04_next", "print(1)")
    code, out, err = run(tmp_path, "run")
    assert code == 1
    assert err.strip().splitlines()[-1] == (
        "notebook 03_bad, cell 2 of 3, failed: ValueError: no exemplars: "
        "add one")
    assert "raise ValueError('no exemplars" in err
    assert "04_next: running" not in out
    assert rows(tmp_path)["03_bad"]["status"] == "failed"
    executed = nbformat.read(
        tmp_path / "runs/mini/notebooks/03_bad.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "so far\n"
    assert executed.cells[2].outputs[0].ename == "ValueError"


def test_a_tagged_error_is_part_of_the_lesson(tmp_path):
    write_notebook(tmp_path, "00_a", "1 / 0", tags=["raises-exception"])
    assert run(tmp_path, "run")[0] == 0


def test_a_killed_kernel_is_one_sentence(tmp_path):
    write_notebook(tmp_path, "05_big", "import os; os.kill(os.getpid(), 9)")
    code, _, err = run(tmp_path, "run", "05")
    assert code == 1
    last = err.strip().splitlines()[-1]
    assert "notebook 05_big, cell 1 of 1: the kernel was killed" in last
    assert "memory" in last


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing_behind_and_goes_on(tmp_path, number):
    write_notebook(tmp_path, "00_slow", "print('early')", SLOW)
    process = start(tmp_path, "run")
    pids = pids_when_busy(tmp_path)
    process.send_signal(number)
    began = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert "cell 2 of 2" in err and "run the same command again" in err
    assert not any(alive(pid) for pid in pids)
    executed = nbformat.read(
        tmp_path / "runs/mini/notebooks/00_slow.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "early\n"
    (tmp_path / "go").touch()
    assert run(tmp_path, "run")[0] == 0


def test_ctrl_c_within_an_import_is_one_sentence(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "    sum(range(10 ** 6))\nexcept BaseException:\n"
        "    raise ImportError('what a library makes of it')\n")
    done = subprocess.run(
        [sys.executable, "-c", "import sys\nfrom helpers import __main__ as m"
         f"\nsys.path.append({str(tmp_path)!r})\nm.COMMANDS['quiz'] = 'slow'"
         "\nsys.exit(m.main(['quiz']))"], cwd=profiles.ROOT, text=True,
        capture_output=True)
    assert (done.returncode, done.stderr) == (130, cli.STOPPED + "\n")


def test_a_cell_that_ignores_ctrl_c_is_killed(tmp_path):
    write_notebook(
        tmp_path, "00_deaf",
        "import os, signal, time; signal.signal(signal.SIGINT, "
        "signal.SIG_IGN)\nopen('../pids', 'w').write(f'{os.getpid()} 1')\n"
        "time.sleep(99)")
    process = start(tmp_path, "run")
    busy = pids_when_busy(tmp_path)[0]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130 and not alive(busy)


def test_kill_9_and_again_continues(tmp_path):
    write_notebook(tmp_path, "00_done", "print('HEADLINE: ready')")
    write_notebook(tmp_path, "01_slow", "print('early')", SLOW)
    process = start(tmp_path, "run")
    pids = pids_when_busy(tmp_path)
    # The kernel must not outlive the next start even if it stops checking
    # whether its parent is there.
    os.kill(pids[0], signal.SIGSTOP)
    process.kill()
    process.communicate(timeout=20)
    assert alive(pids[0])
    copy = tmp_path / "runs/mini/notebooks/01_slow.ipynb"
    assert nbformat.read(copy, 4).cells[1].outputs[0].text == "early\n"
    (tmp_path / "go").touch()
    code, out, err = run(tmp_path, "run")
    assert code == 0, err
    assert "00_done: finished before" in out and "01_slow: running" in out
    assert not any(alive(pid) for pid in pids)
    assert (tmp_path / "ran").read_text() == "xx"


def test_one_run_at_a_time(tmp_path):
    write_notebook(tmp_path, "00_a", "print(1)")
    runs = tmp_path / "runs" / "mini"
    runs.mkdir(parents=True)
    with RunLock(runs):
        code, _, err = run(tmp_path, "run")
    assert code == 2 and "another run" in err


@pytest.mark.parametrize("argv, said", [
    (["run", "--profile", "huge"], "choose one of mini, colab, paper"),
    (["run", "12"], "choose from 00_a, 05_b"),
    (["run", "05_c.ipynb"], "choose from 00_a, 05_b"),
])
def test_unknown_names_list_the_valid_ones(
        tmp_path, monkeypatch, capsys, argv, said):
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    write_notebook(tmp_path, "00_a", "1")
    write_notebook(tmp_path, "05_b", "1")
    assert cli.main(argv) == 2
    err = capsys.readouterr().err
    assert said in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_a_shortened_flag_does_nothing(command, capsys):
    """`--fr` is not `--fresh`, which removes results."""
    with pytest.raises(SystemExit, match="2"):
        cli.main([command, "--hel"])
    captured = capsys.readouterr()
    assert "error:" in captured.err and not captured.out


def test_select_takes_numbers_names_and_paths(tmp_path):
    names = ["00_a", "05_b", "07_c"]
    for name in names:
        write_notebook(tmp_path, name, "1")
    folder = tmp_path / "notebooks"

    for room, name in (("more", "M1_d"), ("evidence", "E1_e")):
        (folder / room).mkdir()
        (folder / room / f"{name}.ipynb").write_text("")

    def chosen(*given, **options):
        return [path.stem for path in
                run_command.select(given, folder, **options)]
    assert chosen() == names
    assert chosen(everything=True) == [*names, "E1_e", "M1_d"]
    assert chosen("m1", "00", "evidence/E1_e.ipynb") == [
        "00_a", "E1_e", "M1_d"]
    assert chosen("7", "notebooks/05_b.ipynb") == ["05_b", "07_c"]
    assert chosen("00", "00_a") == ["00_a"]


def test_a_copy_elsewhere_is_not_taken_for_the_collection_s(
        tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    write_notebook(tmp_path, "00_a", "1")
    (tmp_path / "work").mkdir()
    mine = tmp_path / "work" / "00_a.ipynb"
    mine.write_text("my answer")
    monkeypatch.chdir(mine.parent)
    for name in (str(mine), "00_a.ipynb"):
        assert cli.main(["run", name]) == 2
        err = capsys.readouterr().err
        assert f"{name} is not in notebooks/" in err and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
    run_command.see_that_they_are_ours(
        [str(tmp_path / "notebooks" / "00_a.ipynb"), "00_a", "00"],
        [tmp_path / "notebooks" / "00_a.ipynb"])


def test_unwritable_runs_folder_and_windows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    write_notebook(tmp_path, "00_a", "1")
    (tmp_path / "runs").write_text("a file where the folder should be")
    assert cli.main(["run"]) == 2
    err = capsys.readouterr().err
    assert "cannot write to runs/mini" in err and err.count("\n") == 1
    monkeypatch.setattr(run_command, "os", SimpleNamespace(name="nt"))
    assert cli.main(["run"]) == 2
    err = capsys.readouterr().err
    assert "WSL" in err and "Colab" in err and err.count("\n") == 1


def test_save_keeps_outputs_and_drops_bars(tmp_path):
    path = write_notebook(
        tmp_path, "00_a",
        "import time, warnings\n"
        "from helpers.progress import progress_bar\n"
        "print('kept')\n"
        "with progress_bar(title='sampling', total=3) as bar:\n"
        "    for _ in range(3): time.sleep(0.6); bar.update()\n"
        "warnings.warn('of the learner')",
        "import os; print(os.getcwd())", "raise OSError(os.getcwd())",
        tags=["raises-exception", "nbval-check-output"])
    ids = [cell.id for cell in nbformat.read(path, 4).cells]
    code, _, err = run(tmp_path, "run", "--save")
    assert code == 0, err
    saved = nbformat.read(path, 4)
    assert [cell.id for cell in saved.cells] == ids
    assert saved.cells[1].outputs[0].text == "kept\n"
    assert saved.cells[1].outputs[1].name == "stderr"
    assert "of the learner" in saved.cells[1].outputs[1].text
    assert len(saved.cells[1].outputs) == 2
    assert not any("%|" in output.text for output in saved.cells[1].outputs)
    assert saved.cells[2].outputs[0].text == "notebooks\n"
    assert str(tmp_path) not in path.read_text()
    assert saved.cells[1].metadata == {
        "tags": ["raises-exception", "nbval-check-output"]}
    header = saved.cells[0].source
    assert "TODO" not in header
    assert "<!-- time -->" in header and " MB<!-- /memory -->" in header


def test_a_damaged_notebook_is_one_sentence(tmp_path):
    write_notebook(tmp_path, "00_a", "1").write_text("<<<<<<< HEAD")
    code, _, err = run(tmp_path, "run")
    assert code == 2 and "00_a.ipynb is no notebook" in err
    assert err.count("\n") == 1


def test_what_was_changed_meanwhile_is_not_written_over(tmp_path):
    path = write_notebook(tmp_path, "00_a", "from pathlib import Path\n"
                          "me = Path('00_a.ipynb')\n"
                          "me.write_text(me.read_text() + ' ')")
    code, out, _ = run(tmp_path, "run", "--save")
    assert code == 0 and "00_a: it was changed while it ran" in out
    assert path.read_text().endswith(" ")
    assert not nbformat.read(path, 4).cells[1].execution_count


def test_duration_and_header_without_markers():
    assert [cleaning.time_in_words(s) for s in (0.2, 59.6, 70, 600)] == [
        "1 s", "1 min 0 s", "1 min 10 s", "10 min 0 s"]
    notebook = new_notebook(cells=[new_markdown_cell("# no table")])
    row = records.Row("00", 3.0, 300, "", "done")
    assert not cleaning.fill_header(notebook, row)


def test_a_spoilt_summary_only_costs_time(tmp_path):
    (tmp_path / "summary.json").write_text('{"notebooks": [{"note')
    assert records.read_summary(tmp_path) == {}


def test_a_kernel_without_the_guard_is_not_used(tmp_path):
    path = write_notebook(tmp_path, "00_a", "open('ran', 'w')")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("PYTHONPATH", offline.SWITCH)}
    with pytest.raises(kernel.NotebookFailed, match="offline guard"):
        kernel.execute_notebook(path, tmp_path / "copy.ipynb", environment)
    assert not (path.parent / "ran").exists()


def test_a_kernel_that_dies_at_its_start_is_one_sentence(tmp_path):
    path = write_notebook(tmp_path, "00_a", "print(1)")
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(1)")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with pytest.raises(kernel.NotebookFailed, match="cell 0 of 1: the kernel"):
        kernel.execute_notebook(path, tmp_path / "copy.ipynb", environment)


def test_a_swallowed_refusal_fails_the_notebook(tmp_path):
    write_notebook(tmp_path, "00_a", """
import subprocess, sys
code = "import socket\\ntry: socket.create_connection(('192.0.2.1', 80))\\n"
code += "except OSError: pass"
subprocess.run([sys.executable, "-c", code], check=True)
""")
    code, _, err = run(tmp_path, "run")
    assert code == 1
    assert "00_a tried to leave this machine" in err and "192.0.2.1" in err
