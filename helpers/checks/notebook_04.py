"""Checks of the exercises of notebook 04.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises:
an unfinished or broken answer is "not yet", with the reason.
"""

from helpers.checks.report import (as_python, attempt, entries, exercise,
                                   misfit, say, shown)
from helpers.execution import STATUSES, Verdict
from helpers.filtering import Example
from helpers.problems import Problem
from helpers.prompts import zero_shot_prompt
from helpers.sampling import Sample

QUESTIONS = (
    "Ann starts with 12 shells. On Friday Ann loses 3. On Monday Ann doubles "
    "them. How many shells does Ann have in the end?",
    "Ben starts with 7 cups. On Tuesday Ben wins 5. How many cups does Ben "
    "have in the end?",
    "Cara starts with 20 pens. On Monday Cara halves them. On Sunday Cara "
    "gets 4. How many pens does Cara have in the end?",
    "Dan starts with 9 keys. On Monday Dan finds 6. How many keys does Dan "
    "have in the end?")
PROBLEMS = [Problem(task_id=f"check/{i}", question=question, mode="answer",
                    answer=answer)
            for i, (question, answer) in enumerate(zip(
                QUESTIONS, ("21", "12", "14", "15")))]


def judge_by_hand(programs):
    """``judged`` from ``{problem number: [(program, right?), ...]}``.

    In the place of True or False may stand another status.
    """
    return [(Sample(task_id=f"check/{i}", sample_index=index, seed=0,
                    temperature=0.6, top_p=1.0, max_new_tokens=64,
                    completion=program,
                    finish_reason="stop", model="check", prompt_hash="0"),
             Verdict(right if isinstance(right, str) else "passed" if right
                     else "wrong", None, "", 0.0))
            for i, pairs in programs.items()
            for index, (program, right) in enumerate(pairs)]


WRONG = "start = 12\nmonday = start + 2\nanswer = monday\n"
FIRST = ("start = 12\nmonday = start * 2\nfriday = monday - 3\n"
         "answer = friday\n")
SECOND = FIRST.replace("friday", "f")
LAST = "start = 9\nmonday = start + 6\nanswer = monday\n"
# The samples of one problem are not in order, and the problems are mixed.
# check/2 has no sample at all; what failed is neither right nor wrong.
FAILED = "t = 7\nt = t + 5\nanswer = t\n"
JUDGED = judge_by_hand({
    0: [(WRONG, False), (FIRST, True), (SECOND, True)],
    1: [(WRONG, False), *((FAILED, status) for status in STATUSES[2:-1])],
    3: [(LAST, True)]})[::-1]


@exercise
def check_04_1(first_correct):
    """Exercise 1: EKT's filter.  Prints one line, returns a bool."""
    title, kind = "2 training pairs", ("return a list of training pairs; "
                                       "make_example makes one")
    got, failed = attempt(first_correct, list(PROBLEMS), list(JUDGED),
                          nothing="nothing is kept yet")
    pairs, failed = (None, failed) if failed else entries(got, kind)
    if failed:
        return say(title, failed, cause(failed))
    for pair in pairs:
        if not isinstance(pair, Example):
            return say(title, misfit(pair, kind, "an entry"))
    found = [(pair.task_id, pair.completion) for pair in pairs]
    return say(title, f"{len(found)} pairs", slip_in_pairs(found, pairs))


def cause(failed):
    """What an exception in exercise 1 often comes from, None if not known."""
    if failed.kind == "KeyError":
        return ("a problem may have no sample at all; grouped.get(task_id, "
                "[]) gives an empty list for it")
    return None


def slip_in_pairs(found, pairs):
    """What is wrong with the (task_id, program)s that were kept, or None."""
    wanted = [("check/0", FIRST), ("check/3", LAST)]
    if not found:
        return "nothing is kept yet"
    if ("check/1", FAILED) in found:
        return ("a program is kept that failed, with a status such as error "
                "or timeout; a right one has the status \"passed\"")
    if {task for task, _ in found} & {"check/1", "check/2"}:
        return ("a problem without a right sample gives no pair, and check/1 "
                "has none")
    if any(text == WRONG for _, text in found):
        return ("a program is kept whose answer is wrong; a right one has "
                "the status \"passed\"")
    if len(found) > len(dict(found)):
        return "check/0 has two right samples; stop after the first of them"
    if len(found) < 2:
        return ("check/0 and check/3 both have a right sample; go on with "
                "the next problem when one is done")
    if ("check/0", SECOND) in found:
        return ("of check/0 a later sample is kept; by_problem puts the "
                "samples of a problem in the order in which they were drawn")
    if found == wanted[::-1]:
        return "the pairs are not in the order of the problems"
    if found != wanted:
        return "a program is kept letter for letter, under its own task_id"
    if [pair.prompt for pair in pairs] != [
            zero_shot_prompt(PROBLEMS[i].question) for i in (0, 3)]:
        return "the prompt is the question alone, as make_example writes it"
    return None


IN_ORDER = (
    ("start = 1\nmonday = start + 2\nfriday = monday + 3\nanswer = friday\n",
     True, "Monday comes before Friday; look at the days that are assigned, "
     "at the beginning of a line"),
    ("start = 1\nsunday = start + 2\nmonday = sunday * 3\nanswer = monday\n",
     False, "the week starts on Monday, so Sunday comes last"),
    ("start = 1\nfriday = start + 2\nmonday = friday + 3\nsunday = monday + 1"
     "\nanswer = sunday\n", False, "Friday does not come before Monday; "
     "compare all days, not the first with the last"),
    ("start = 1\nmonday = start + 2\nsunday = monday * 3\nwednesday = sunday "
     "- 1\nanswer = wednesday\n", False, "Wednesday does not come after "
     "Sunday; compare all days, not the first two alone"),
    ("t = 1\nt = t + 2\nanswer = t\n", True,
     "a program without days has nothing out of order"),
    ("start = 1\nthursday = start + 2\nwednesday_2 = thursday\nanswer = "
     "thursday\n", True, "wednesday_2 is no day, only part of its name is"),
    ("start = 1\nfriday = start + 2\nfriday = friday * 3\nanswer = friday\n",
     True, "a day that comes twice in a row is no step back"),
    ("start = 1\n\nprint(start)\nsunday = start +\nmonday = sunday * 3\n",
     False, "a sample may be no Python, and have lines that assign nothing: "
     "look at those that begin with a name and ` =`"))


@exercise
def check_04_2(days_in_order):
    """Exercise 2: are the days assigned in the order of the week?

    Prints one line, returns a bool.
    """
    for program, right, why in IN_ORDER:
        got, failed = attempt(days_in_order, program)
        if failed:
            return say(right, failed, why if failed.kind and (
                program is IN_ORDER[-1][0]) else None)
        got = as_python(got)
        if not isinstance(got, int) or got not in (True, False):
            return say(right, misfit(got, "return True or False"))
        if bool(got) != right:
            return say(right, shown(bool(got)), f"for {program!r}: {why}")
    return say(f"{len(IN_ORDER)} verdicts", "all of them")
