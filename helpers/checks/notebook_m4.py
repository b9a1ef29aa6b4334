"""Checks of the exercises of notebook M4.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises:
an unfinished or broken answer is "not yet", with the reason.
"""

import re
from dataclasses import replace

from helpers.checks.notebook_04 import (FIRST, LAST, PROBLEMS, WRONG,
                                        judge_by_hand)
from helpers.checks.report import attempt, entries, exercise, misfit, say
from helpers.execution import STATUSES
from helpers.filtering import Example
from helpers.mini.reading import read_story
from helpers.problems import Problem
from helpers.programs import canonical
from helpers.prompts import zero_shot_prompt

RESPELT = "a = 12\nb = a*2  # doubled\nc = (b - 3)\nanswer = c\n"
DOUBLED = "t = 12\nt = t + t\nt = t - 3\nanswer = t\n"
THIRD = "t = 12\nt = t - 3\nt = t * 2\nt = t + 3\nanswer = t\n"
# The samples of one problem are not in order, and the problems are mixed.
DISTINCT = judge_by_hand({
    0: [(WRONG, False), (FIRST, True), (RESPELT, True), (DOUBLED, True),
        (THIRD, True)],
    1: [(WRONG, False), *((FIRST, status) for status in STATUSES[2:-1])],
    3: [(LAST, True), (LAST.replace("monday", "m"), True)]})[::-1]
# 40 right programs of one problem, no two of them the same, and then the
# first of them once more; and that one for the same problem by another name.
MANY = judge_by_hand({2: [
    (f"t = 20\nt = t - 6 + {i}\nanswer = t - {i}\n", True)
    for i in [*range(40), 0]]})
MANY += judge_by_hand({9: [(MANY[0][0].completion, True)]})
TWINS = [PROBLEMS[2], replace(PROBLEMS[2], task_id="check/9")]


@exercise
def check_m4_1(keep_distinct):
    """Exercise 1: up to k distinct correct programs per problem.

    Prints one line, returns a bool.
    """
    title, kind = "3 pairs for k = 2", ("return a list of training pairs, as "
                                        "first_correct does")
    got, failed = attempt(keep_distinct, list(PROBLEMS), list(DISTINCT), 2,
                          nothing="nothing is kept yet")
    if not failed:
        pairs, failed = entries(got, kind)
    if failed:
        return say(title, failed)
    for pair in pairs:
        if not isinstance(pair, Example):
            return say(title, misfit(pair, f"{kind}; make_example makes one",
                                     "an entry"))
    found = [(str(pair.task_id), str(pair.completion)) for pair in pairs]
    got = f"{len(found)} pairs"
    programs = [text for task_id, text in found if task_id == "check/0"]
    right = [FIRST, RESPELT, DOUBLED, THIRD]
    if not found:
        return say(title, got, "nothing is kept yet")
    if any(task_id == "check/1" or text == WRONG for task_id, text in found):
        return say(title, got, "a program with a wrong answer is kept"
                   if ("check/1", FIRST) not in found else "a program is "
                   "kept that is wrong, or failed with a status such as error "
                   "or timeout; a right one has the status \"passed\"")
    if set(programs) - set(right):
        return say(title, got, "keep the program as the teacher wrote it; "
                   "its canonical spelling is for comparing only")
    if len(set(map(canonical, programs))) < len(programs):
        return say(title, got, "one program is kept twice, in two "
                   "spellings; compare canonical spellings")
    if len(programs) > 2:
        return say(title, got, f"k = 2 and {len(programs)} programs of "
                   f"one problem are kept")
    if "check/3" not in dict(found):
        return say(title, got, "k is a limit per problem, and a later "
                   "problem gets nothing")
    if THIRD in programs or RESPELT in programs:
        return say(title, got, "of programs that are the same keep the "
                   "first, and start with the lowest sample index")
    if found != [("check/0", FIRST), ("check/0", DOUBLED), ("check/3", LAST)]:
        return say(title, got, "they should be in the order of the "
                   "problems, and of the samples within one")
    return check_no_limit(keep_distinct)


def check_no_limit(keep_distinct):
    """The second half of exercise 1: ``k=None`` keeps all."""
    title = "3 pairs for k = 2, 4 for k = None"
    why = "without a limit all distinct programs are kept"
    got, failed = attempt(keep_distinct, list(PROBLEMS), list(DISTINCT), None,
                          nothing=why)
    if not failed:
        pairs, failed = entries(got, why)
    if failed:
        return say(title, failed, why if failed.kind else None)
    found = [(getattr(pair, "task_id", None), getattr(
        pair, "completion", None)) for pair in pairs]
    wanted = [("check/0", FIRST), ("check/0", DOUBLED), ("check/0", THIRD),
              ("check/3", LAST)]
    if found != wanted:
        return say(title, f"3 and {len(pairs)}", why if len(pairs) != 4 else
                   "without a limit, too, they are in the order of the "
                   "problems, and of the samples within one")
    return of_many(keep_distinct, title)


def of_many(keep_distinct, right):
    """The end of exercise 1: many programs of one problem, without k."""
    wanted = [("check/2", sample.completion) for sample, _ in MANY[:40]] + [
        ("check/9", MANY[0][0].completion)]
    title = f"{len(wanted)} pairs where nothing is said of k"
    got, failed = attempt(keep_distinct, list(TWINS), list(MANY))
    pairs, failed = (None, failed) if failed else entries(
        got, "return a list of training pairs")
    if failed:
        return say(title, failed, "keep the default k=None")
    found = [(getattr(pair, "task_id", None), getattr(
        pair, "completion", None)) for pair in pairs]
    if found != wanted:
        return say(title, f"{len(pairs)}", (
            "two problems may have the same program: what was seen is counted "
            "for each problem by itself" if found == wanted[:-1] else
            "the last program of a problem is its first one again, and kept "
            "twice: compare with all that were kept, not with the one before"
            if wanted[0] in found[1:] else
            "without a limit all distinct programs are kept, in the order of "
            "their samples"))
    return say(right, "3 and 4")


# check/0: only luck.  check/1: luck and a program that reads the question.
# check/2: luck in a wrong program only.  check/3: luck in what failed.
LUCK = judge_by_hand({
    0: [("answer = 21\n", True), ("t = 17\nt = t + 4\nanswer = t\n", True),
        (WRONG, False)],
    1: [("answer = 12\n", True),
        ("t = 7\nt = t + 5\nanswer = t\n", True)],
    2: [("t = 20\nt = t / 2\nt = t + 4\nanswer = t\n", True),
        ("t = 20\nt = t - 9\nanswer = t\n", False)],
    3: [("answer = 16\n", "error"), ("t = 17\nanswer = t\n", "timeout")]})


@exercise
def check_m4_2(only_luck):
    """Exercise 2: problems whose right programs are all suspicious.

    Prints one line, returns a bool.
    """
    title = "['check/0']"
    nothing = ("nothing is found; check/0 has two right programs, and both "
               "use numbers that its question does not have")
    found, failed = task_ids(only_luck, list(PROBLEMS), list(LUCK),
                             nothing=nothing)
    if failed:
        return say(title, failed)
    found, reason = sorted(found), None
    if not found:
        reason = nothing
    elif set(found) - {problem.task_id for problem in PROBLEMS}:
        reason = "return a list of task_ids, and nothing else"
    elif "check/3" in found:
        reason = ("check/3 has no right program, so none is lucky (all() of "
                  "nothing is True)")
    elif "check/1" in found:
        reason = ("check/1 also has a right program that reads the question; "
                  "all right programs must be suspicious, not just one")
    elif "check/2" in found:
        reason = ("in check/2 the suspicious program is a wrong one; look at "
                  "right ones only")
    elif found != ["check/0"]:
        reason = "name each problem once"
    return say(title, found, reason)


def task_ids(function, *arguments, nothing):
    """The list of task_ids that the call gives, as ``attempt`` returns it."""
    got, failed = attempt(function, *arguments, nothing=nothing)
    wanted = "return a list of task_ids, and nothing else"
    if not failed:
        got, failed = entries(got, wanted, ordered=False)
    for entry in got or ():
        if not isinstance(entry, str):
            return None, misfit(entry, wanted, "an entry")
    return got, failed


# -------------------------------- exercise 3: find the spurious programs

# A story in short or a question, the program that is kept, and what is said if
# it is judged wrongly.  All programs that run are right.
HONEST = "its program is honest: "
KEPT = (
    ("8 Monday:finds 4 Tuesday:sees 5 birds Wednesday:loses 2",
     "start = 8\nmonday = start + 4\nwednesday = monday - 2\n"
     "answer = wednesday\n",
     HONEST + "sentences that do not count are not in `story.events`"),
    ("9 Monday:finds 6 Tuesday:loses 6 Friday:wins 2",
     "t = 9\nt = t + 2\nanswer = t\n",
     "its program leaves out two sentences that cancel, +6 and -6"),
    ("9 Monday:wins 3 Tuesday:buys 2 Friday:drops 4",
     "t = 9\nt = t + 3\nt = t + 2\nt = t - 4\nanswer = t\n",
     HONEST + "the names of variables do not matter"),
    ("20 Monday:finds 4 Tuesday:wins 3 Friday:loses 7",
     "t = 20\nt = t - 4\nt = t - 3\nt = t + 7\nanswer = t\n",
     "its program flips three signs, which cancels: compare each operation "
     "together with its number"),
    ("8 Monday:doubles them Friday:sells 5",
     "start = 8\nmonday = start + 8\nfriday = monday - 5\n"
     "answer = friday\n",
     "its program adds 8 where the story doubles 8"),
    ("10 Friday:finds 4 Monday:loses 3 Tuesday:wins 6",
     "t = 10\nt = t + 4\nt = t - 3\nt = t + 6\nanswer = t\n",
     HONEST + "the order of the operations does not matter"),
    ("8 Monday:finds 4 Tuesday:doubles them",
     "t = 10\nt = t * 2\nt = t + 4\nanswer = t\n",
     "its program starts with 10 where the story starts with 8"),
    ("7 Monday:finds 6 Tuesday:loses 6 Friday:wins 2",
     "t = 7\nt = t + 2\nt = t - 2\nt = t + 2\nanswer = t\n",
     "its program writes 2 three times where the story has 6, 6 and 2: "
     "compare each number together with its operation"),
    ("7 Monday:finds 3 Tuesday:loses 3 Friday:finds 3 Sunday:loses 3",
     "t = 7\nt = t + 3\nt = t - 3\nanswer = t\n",
     "its program does once what the story does twice: count, do not just "
     "look whether it is there"),
    ("12 Monday:halves them Friday:finds 3",
     "t = 12.0\nt = t / 2.0\nt = t + 3.0\nanswer = t\n",
     HONEST + "3.0 is 3: compare numbers, not text"),
    ("Dan has 3 boxes of 5 pens. How many pens does Dan have?",
     "boxes = 3\nanswer = boxes * 5\n",
     "its question is no story of the mini world (`read_story` gives None), "
     "so its program is no suspect"),
    ("8 Monday:finds 3",
     "t = 8\nt = t + 3\nanswer = t)\n",
     "its program cannot be parsed, and that makes it a suspect"),
    ("30 Monday:halves them", None, "no program of it is kept"))
GUILTY = (1, 3, 4, 6, 7, 8, 11)


def cause(failed):
    """What an exception in exercise 3 often comes from, None if not known."""
    if failed.kind in ("ValueError", "SyntaxError") and any(
            word in failed.got for word in ("pars", "syntax", "unmatched",
                                            "Python")):
        return ("a program that cannot be parsed must not stop the search; "
                "it is a suspect")
    if failed.kind == "AttributeError" and "NoneType" in failed.got:
        return ("mind that read_story gives None for a question that is no "
                "story of the mini world")
    return None


def in_words(plot):
    """The question of a line of ``KEPT``."""
    start, *days = re.split(r" (?=\w+:)", plot)
    if not days:
        return plot
    told = " ".join("On {} Gwen {}.".format(*day.split(":")) for day in days)
    return (f"Gwen starts with {start} pears. {told} How many pears does "
            f"Gwen have in the end?")


def kept_pairs(kept=KEPT):
    """Problems and training pairs, the latter in another order."""
    problems, examples = [], []
    for i, (plot, program, _) in enumerate(kept):
        question = in_words(plot)
        story = read_story(question)
        problems.append(Problem(
            task_id=f"story/{i}", question=question, mode="answer",
            answer=str(story.answer if story else 15)))
        if program:
            examples.append(Example(f"story/{i}", zero_shot_prompt(question),
                                    program))
    return problems, examples[::-1]


@exercise
def check_m4_3(suspects):
    """Exercise 3: right programs that did not read the story.

    Prints one line, returns a bool.
    """
    wanted = {f"story/{i}" for i in GUILTY}
    title = f"{len(wanted)} suspects"
    names = {f"story/{i}": why for i, (_, _, why) in enumerate(KEPT)}
    nothing = "nothing is found; story/1 is one: " + names["story/1"]
    found, failed = task_ids(suspects, *kept_pairs(), nothing=nothing)
    if failed:
        return say(title, failed, cause(failed))
    honest = [f"story/{i}" for i, (_, _, why) in enumerate(KEPT)
              if why.startswith(HONEST)]
    accused = [name for name in names if name in found and name not in wanted]
    missed = [name for name in names if name in wanted and name not in found]
    reason = None
    if not found:
        reason = nothing
    elif set(found) - set(names):
        reason = "return a list of task_ids, and nothing else"
    elif set(honest) <= set(found):
        reason = ("even honest programs are accused; find each pair's "
                  "problem by its task_id, and mind the start on both sides")
    elif accused:
        reason = f"{accused[0]} is accused; {names[accused[0]]}"
    elif missed:
        reason = f"{missed[0]} is missing; {names[missed[0]]}"
    elif len(found) > len(set(found)):
        reason = "name each pair once"
    return say(title, f"{len(found)}", reason)
