"""Copy the results of a run into ``data/``, and write what is said of them.

    python -m helpers ship

Numbers are never typed into a README: this module writes the tables of
``data/README.md`` and the few lines of ``README.md`` from the files that it
ships, and a test compares them.
"""

import argparse
import gzip
import json
import sys

from PIL import Image
from safetensors import safe_open

from helpers.evaluation import (beats_sentence, load_counts, mean_pass_at_k,
                                pass_at_k_interval)
from helpers.filtering import read_examples
from helpers.plans import read_plans
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.sampling import read_samples
from helpers.studies.claims import verdict_words
from helpers.studies.dial import BASES, DIAL_SEEDS
from helpers.studies.dial_results import headline as dial_headline
from helpers.studies.ekt import TASK
from helpers.studies.ekt_claims import ekt_findings, ekt_headline
from helpers.studies.results import (gain, load_plan_standing, load_standing,
                                     score)
from helpers.studies.runs import STUDIES, lines_text, read_study
from helpers.tools.cleaning import time_in_words
from helpers.tools.files import lines_of, write_all
from helpers.training import ADAPTER_FILES
from helpers.workshop.pools import pool
from helpers.workshop.provenance import provenance

SYSTEMS = ("teacher-few-shot", "student-zero-shot", "student-few-shot",
           "student-after-EKT")
SHIPPED_SAMPLES = ("teacher-train", "teacher-hot")
WEAK_PROBLEMS = 20      # of which the weak teacher's programs are shipped
SHIPPED_PAIRS = ("first-correct", "k-distinct-4", "unfiltered")
SHIPPED_PLANS = ("backward",)
EKT_ROWS = {"unfiltered": "no filter: the first sample of each problem",
          "kd": "knowledge distillation, 1 : 1, teacher without exemplars",
          "expert-iteration": "expert iteration, no teacher",
          "ekt": "EKT: the first correct sample of each problem",
          "supervised": "supervised on reference programs (upper bound)"}
CODEPLAN_ROWS = {
    "fine-tuned": "nothing: ordinary fine-tuning",
    "codes-twice": "the programs twice: a second batch in each update",
    "forward": "plans from the question alone",
    "codeplan": "plans from the programs alone (CodePLAN, 1 : 1)",
    "codeplan-2-to-1": "the same, weights 2 : 1",
    "with-question": "plans from programs and question"}
BEGIN_MARK, END_MARK = "<!-- result -->", "<!-- /result -->"


def ship(profile):
    """Copy what later notebooks read, and what the READMEs quote.

    Of the studies, systems that were run anew take the place of those that
    were shipped before; the others stay.  Raises ``FileNotFoundError`` if a
    notebook has not been run, and ``ValueError`` for a changed profile: what
    is shipped is found by whoever changed nothing.
    """
    if profile.changed:
        raise ValueError(f"results of a changed profile (runs/"
                         f"{profile.folder}/) are not shipped; ship those of "
                         f"get_profile({profile.name!r})")
    runs = profile.runs
    files = {}
    for name in SHIPPED_SAMPLES:
        read(path := runs / "samples" / f"{name}.jsonl", read_samples)
        files[f"samples/{name}.jsonl.gz"] = packed_lines(read_samples(path))
    for folder, names, end, check in (
            ("pairs", SHIPPED_PAIRS, "jsonl", read_examples),
            ("counts", SYSTEMS, "json", load_counts),
            ("plans", SHIPPED_PLANS, "jsonl", read_plans)):
        for name in names:
            file = f"{folder}/{name}.{end}"
            files[file] = read(runs / file, check)
    for name in ADAPTER_FILES:
        file = f"ekt-student/{name}"
        files[file] = read(runs / file, check_of(name))
    files["pass-at-k.png"] = read(runs / "figures" / "07-pass-at-k.png",
                                  check_of(".png"))
    rows = json.loads(read(runs / "summary.json", summary_rows))["notebooks"]
    keep = ("notebook", "seconds", "peak_mb", "headline")
    files["summary.json"] = json.dumps({
        "ran": provenance("python -m helpers ship"),
        "notebooks": [{key: row[key] for key in keep} for row in rows]},
        indent=1) + "\n"
    if (weak := weak_teacher()) is not None:
        files["samples/weak-teacher.jsonl.gz"] = weak
    files |= {f"{study}.jsonl": lines_text(study, read_study(profile, study))
              for study in STUDIES}
    texts = {profile.shipped / name: data for name, data in files.items()}
    for readme, block in ((ROOT / "README.md", short_block(runs)),
                          (ROOT / "data" / "README.md", result_block(runs))):
        before, rest = readme.read_text("utf-8").split(BEGIN_MARK)
        texts[readme] = before + block + rest.split(END_MARK)[1]
    write_all(texts)


def read(path, check):
    """The bytes of a result, once ``check(path)`` has read it.

    Raises ``FileNotFoundError`` where it is missing, and ``ValueError``
    where it is no such result.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path.relative_to(ROOT) if ROOT in path.parents else path} is "
            f"missing, and nothing was shipped; run all notebooks first, with "
            f"python -m helpers run --all")
    try:
        check(path)
    except Exception as error:           # each reader has errors of its own
        raise ValueError(f"{path.name} is no whole result, and nothing was "
                         f"shipped ({error}); run all notebooks again, with "
                         f"python -m helpers run --all --fresh") from None
    return path.read_bytes()


def check_of(name):
    """What reads a file with such a name, and raises where it is another."""
    def weights(path):
        with safe_open(path, "np") as file:
            file.keys()

    def picture(path):
        with Image.open(path) as image:
            image.verify()
    return {".json": lambda path: json.loads(path.read_text("utf-8")),
            ".safetensors": weights, ".png": picture,
            ".md": lambda path: path.read_text("utf-8")}[
                name[name.rindex("."):]]


def summary_rows(path):
    """Reads a summary; raises where a notebook is missing, or what is shipped
    of it."""
    rows = json.loads(path.read_text("utf-8"))["notebooks"]
    ran = {row["notebook"] for row in rows}
    for notebook in sorted((ROOT / "notebooks").rglob("[0-9EM]*.ipynb")):
        if notebook.stem not in ran and notebook.parent.name[0] != ".":
            raise ValueError(f"{notebook.stem} is missing")
    sum(row["seconds"] for row in rows), max(row["peak_mb"] for row in rows)
    return [(row["notebook"], row["headline"]) for row in rows]


def weak_teacher():
    """The weak teacher's samples of a few problems, packed, from the first
    seed's pool; None where the campaign has not drawn any."""
    with pool(f"{TASK}-0.6", "weak-teacher", 0) as drawn:
        if not drawn.exists():
            return None
        few = {p.task_id for p in load_problems(TASK, "train",
                                                limit=WEAK_PROBLEMS)}
        return packed_lines(one for one in read_samples(drawn)
                            if one.task_id in few)


def packed_lines(samples):
    """The bytes of a packed file of samples: the same make the same."""
    return gzip.compress(lines_of(samples).encode(), mtime=0)


def load_results(folder):
    """The counts of all systems that notebook 07 examined, by name."""
    return {name: load_counts(folder / "counts" / f"{name}.json")
            for name in SYSTEMS}


def score_cells(result):
    """pass@1 and pass@n of counts, with their intervals, as text."""
    return [cell(mean_pass_at_k(result.counts, result.n, k),
                 *pass_at_k_interval(result.counts, result.n, k))
            for k in (1, result.n)]


def student_or_teacher(results):
    """The sentence that says where the student beats its teacher."""
    return beats_sentence(results["student-after-EKT"].counts,
                          results["teacher-few-shot"].counts,
                          results["teacher-few-shot"].n)


def short_block(folder):
    """What README.md says of the files shipped, seven lines."""
    results, profile = load_results(folder), get_profile("mini")
    lines = [BEGIN_MARK, "## What comes out", ""]
    for name, text in (("teacher-few-shot", "teacher few-shot"),
                       ("student-zero-shot", "student before"),
                       ("student-after-EKT", "student after EKT")):
        result = results[name]
        one, many = score_cells(result)
        lines.append(f"- `mini-gsm`, {text}: pass@1 {one}, pass@{result.n} "
                     f"{many}")
    lines[-1] += f". {student_or_teacher(results)}"
    ekt, kd, expert = (cell(*score(load_standing(profile, name)))
                       for name in ("ekt", "kd", "expert-iteration"))
    lines.append(f"- `mini-gsm`, five seeds: EKT pass@1 {ekt}, distillation "
                 f"{kd}, expert iteration {expert}")
    lines.append(f"- `mini-gsm`: {ekt_headline(ekt_findings(profile))}")
    plan, alone = (load_plan_standing(profile, name)
                   for name in ("codeplan", "fine-tuned"))
    return "\n".join([
        *lines, f"- `mini-apps`, five seeds: CodePLAN pass@1 "
        f"{cell(*score(plan))}, ordinary fine-tuning {cell(*score(alone))}, "
        f"a difference of {points(gain(plan, alone))} points; "
        f"{verdict_words(profile)}",
        f"- `mini-apps-2`, {len(BASES)} bases, {len(DIAL_SEEDS)} seeds each: "
        f"{dial_headline(profile)}", END_MARK])


def result_block(folder):
    """The tables, sentences and picture of data/README.md."""
    results = load_results(folder)
    n = results[SYSTEMS[0]].n
    lines = [BEGIN_MARK, "## What comes out, in full", "",
             f"| on the {len(results[SYSTEMS[0]].counts)} test problems of "
             f"`mini-gsm`, n = {n}, T = "
             f"{results[SYSTEMS[0]].facts['temperature']} | pass@1 | "
             f"pass@{n} |", "| --- | --- | --- |"]
    for name, result in results.items():
        kind, how = name.split("-", 1)
        how = how.replace("after-", "after ")
        lines.append(f"| {kind} {how} | "
                     + " | ".join(score_cells(result)) + " |")
    rows = json.loads((folder / "summary.json").read_text())["notebooks"]
    spent = time_in_words(sum(row["seconds"] for row in rows))
    peak = max(row["peak_mb"] for row in rows)
    lines += [
        "", "In brackets: 95 % intervals, by a bootstrap over problems. "
        + student_or_teacher(results), "",
        "![pass@k against k for the teacher and for the student before and "
        "after training, with 95 % bands](mini/results/pass-at-k.png)", "",
        f"The run that made this took {spent} on 2 CPU cores and at most "
        f"{peak:,} MB of memory.", "",
        "The same student, taught in other ways, each with five seeds, the "
        "same problems and the same number of updates (expert iteration "
        "has them anew in each round):", "",
        f"| what it learnt from | pass@1 | pass@{n} |", "| --- | --- | --- |"]
    for name, text in EKT_ROWS.items():
        standing = load_standing(get_profile("mini"), name)
        cells = [cell(*score(standing, k)) for k in (1, n)]
        lines.append(f"| {text} | " + " | ".join(cells) + " |")
    lines += [
        "", "In brackets: 95 % intervals over seeds and problems; the files "
        "are in [mini/results](mini/results), made by `python -m helpers "
        "rivals`. "
        + ekt_headline(ekt_findings(get_profile("mini"))) + ". Why the "
        "distillation falls behind, how the teacher does at a lower "
        "temperature, and what else these numbers hide, is in notebooks E1 "
        "and 07.", "",
        *codeplan_table(), END_MARK]
    return "\n".join(lines)


def codeplan_table():
    """CodePLAN's part of the tables."""
    profile = get_profile("mini")
    base = load_plan_standing(profile, "fine-tuned")
    lines = [
        "CodePLAN on `mini-apps`, programs that read their input: students "
        "of one size, all trained on the same reference programs, five seeds "
        "each. They write code directly; the plans are learnt beside it.", "",
        "| what the student learnt beside the programs | pass@1 | against "
        "ordinary fine-tuning, in points |", "| --- | --- | --- |"]
    for name, text in CODEPLAN_ROWS.items():
        standing = load_plan_standing(profile, name)
        against = ("" if standing.name == base.name else
                   points(gain(standing, base)))
        lines.append(f"| {text} | {cell(*score(standing))} | {against} |")
    return lines + [
        "", "The paper reports more than 130 % on APPS. Whether that is seen "
        "here, by difficulty, what planning first buys and costs, and when "
        f"plans help, is in notebook E3; {verdict_words(profile)}."]


def cell(mean, low, high):
    """A fraction with its interval, as text in percent."""
    return f"{mean:.1%} [{100 * low:.1f}, {100 * high:.1f}]"


def points(found):
    """A difference of fractions with its interval, as text in points."""
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * x for x in found))


def main(arguments=None):
    """Ship the results of the mini profile."""
    argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers ship", description="Copy the results of "
        "runs/mini/ to data/mini/results/, and write what is said of them in "
        "README.md and data/README.md.").parse_args(arguments)
    try:
        ship(get_profile("mini"))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print("shipped the results of runs/mini/ to data/mini/results/, and what "
          "is said of them to README.md and data/README.md")
    return 0
