"""The command that runs all rivals: it goes on, and leaves nothing behind."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, replace

import pytest

from helpers.profiles import ROOT, get_profile
from helpers.studies import ekt
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")


def test_a_killed_campaign_goes_on_and_old_settings_are_run_anew(
        tmp_path, monkeypatch, capsys):
    about = {"name": "ekt", "made_with": {"x": "1"}, "rival": asdict(ekt.EKT)}
    file = tmp_path / "ekt.jsonl"
    for seed in (1, 0, 10):
        campaign.keep(tmp_path, "ekt", about | {"seed": seed},
                      {"counts": [seed]})
    rows = read_lines(file)
    assert [row["seed"] for row in rows] == [0, 1, 10]
    assert campaign.known(rows, about) == rows
    assert [row["counts"] for row in campaign.known(
        rows, about | {"seed": 10})] == [[10]]
    other = about | {"rival": asdict(replace(ekt.EKT, rate=1.0))}
    assert campaign.known(rows, other) == []
    # A run with other settings takes the place of all that had the old ones;
    # another system's stay.
    campaign.keep(tmp_path, "ekt", about | {"name": "kd", "seed": 0}, {})
    campaign.keep(tmp_path, "ekt", other | {"seed": 1}, {"counts": [7]})
    assert [(row["name"], row["seed"], row.get("counts"))
            for row in read_lines(file)] == [("ekt", 1, [7]), ("kd", 0, None)]
    with pytest.raises(SystemExit, match="2"):
        campaign.main(["no-such-rival"])
    assert "no-such-rival" in capsys.readouterr().err


def double(number, seed):
    if number < 0:
        raise RuntimeError("the seventh run fails")
    return {"counts": [2 * number + seed]}


def test_the_command_runs_what_is_missing_and_keeps_what_is_done(
        tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")     # the command sets it
    about = {"name": "yield-0.5", "made_with": {"x": "1"}}
    planned = [("yield", about | {"seed": seed}, double, (10, seed))
               for seed in range(6)]
    monkeypatch.setattr(campaign, "tasks", lambda names: planned)
    campaign.main(["--jobs", "2"])
    file = tmp_path / "results" / "yield.jsonl"
    rows = read_lines(file)
    assert {row.pop("ran")["command"] for row in rows} == {
        "python -m helpers rivals yield-0.5"}
    assert rows == [about | {"seed": s, "counts": [20 + s]}
                    for s in range(6)]
    planned[0] = (*planned[0][:3], (99, 0))                  # done already
    planned += [("yield", about | {"seed": 6}, double, (10, 6)),
                ("yield", about | {"seed": 7}, double, (-1, 7))]
    with pytest.raises(RuntimeError, match="seventh"):
        campaign.main(["--jobs", "1"])
    assert [row["counts"] for row in read_lines(file)] == [
        [20 + s] for s in range(7)]
    with open(tmp_path / "results" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(SystemExit, match="2"):
            campaign.main([])
    assert "being run already" in capsys.readouterr().err


def test_what_cannot_be_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    (tmp_path / "results").write_text("mine")
    for arguments, said in ((["--jobs", "0"], "at least 1, not 0"),
                            ([], "cannot write .*Not a directory")):
        with pytest.raises(SystemExit, match="2"):
            campaign.main(arguments)
        assert re.search(said, capsys.readouterr().err)
    assert (tmp_path / "results").read_text() == "mine"
    (tmp_path / "results").unlink()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ekt.jsonl").write_text("mine\n")
    with pytest.raises(SystemExit, match="2"):
        campaign.main(["--jobs", "1"])
    assert "line 1 of ekt.jsonl is no run" in capsys.readouterr().err
    assert (tmp_path / "results" / "ekt.jsonl").read_text() == "mine\n"


def test_ctrl_c_ends_all_in_one_sentence(tmp_path):
    """A terminal sends it to the workers, too, here while they import."""
    path = tmp_path / "parent.py"
    path.write_text("import sys, time\nfrom pathlib import Path\n"
                    "from helpers.workshop.campaign import compute\n"
                    "if __name__ == '__main__':\n"
                    "    print('begun', flush=True)\n"
                    "    compute(Path(sys.argv[1]), [('yield', {'name': 'a',"
                    " 'seed': 0}, time.sleep, (60,))] * 2, 2)\n")
    parent = subprocess.Popen(
        [sys.executable, str(path), str(tmp_path)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert parent.stdout.readline() == "begun\n"
    threading.Event().wait(1.5)
    os.killpg(parent.pid, signal.SIGINT)
    out, err = parent.communicate(timeout=30)
    assert parent.returncode == 130 and out.startswith("stopped; the fin")
    assert "Traceback" not in err and "Warning" not in err


def test_workers_end_with_a_killed_parent(tmp_path):
    code = ("import multiprocessing, os, sys, time\n"
            "from concurrent.futures import ProcessPoolExecutor\n"
            "from helpers.workshop.campaign import start_worker\n"
            "if __name__ == '__main__':\n"
            "    pool = ProcessPoolExecutor(1, initializer=start_worker,\n"
            "        initargs=(os.getpid(),),\n"
            "        mp_context=multiprocessing.get_context('spawn'))\n"
            "    print(pool.submit(os.getpid).result(), flush=True)\n"
            "    time.sleep(60)\n")
    path = tmp_path / "parent.py"
    path.write_text(code)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    parent = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)})
    worker = int(parent.stdout.readline())
    parent.kill()
    ended = threading.Event()
    for _ in range(100):
        try:
            state = open(f"/proc/{worker}/stat").read().split(")")[1]
        except OSError:
            break
        if state.split()[0] == "Z":
            break
        ended.wait(0.1)
    else:
        pytest.fail("the worker goes on without its parent")


def test_what_is_shipped_need_not_be_run_again():
    assert campaign.missing(PROFILE.shipped, []) == []
