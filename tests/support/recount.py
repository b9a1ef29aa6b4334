"""The released counts, counted again from the files they were counted from.

    git clone https://github.com/zhangir-azerbayev/ETK CLONE
    python tests/support/recount.py CLONE

Commit and files are those of ``data/ekt_gsm8k_test_counts.json``.  A line is
printed for each run, and the exit code is 1 if any differs.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

COUNTS = Path(__file__).resolve().parents[2] / "data/ekt_gsm8k_test_counts.csv"
SOURCE = COUNTS.with_suffix(".json")


def recounted(clone, commit, file):
    """Right completions of each problem, from a log of the clone."""
    log = json.loads(subprocess.run(
        ["git", "-C", str(clone), "show", f"{commit}:{file}"], check=True,
        capture_output=True).stdout)
    rows = log if isinstance(log, list) else next(
        part for part in log.values() if isinstance(part, list))
    return [sum(map(bool, row["passed_lst"])) for row in rows]


def main(clone):
    source = json.loads(SOURCE.read_text("utf-8"))
    with open(COUNTS, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    differ = 0
    for run, file in source["files"].items():
        same = recounted(clone, source["commit"], file) == [
            int(row[run]) for row in rows]
        print(f"{run:32} {'the same' if same else 'DIFFERS'}")
        differ += not same
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
