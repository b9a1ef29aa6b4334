"""Checks of the exercises of notebook 04.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises:
an unfinished or broken answer is "not yet", with the reason.
"""

from helpers.checking import say
from helpers.execution import Verdict
from helpers.problems import Problem
from helpers.programs import canonical
from helpers.samples import Sample

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
    """``judged`` from ``{problem number: [(program, right?), ...]}``."""
    return [(Sample(task_id=f"check/{i}", sample_index=index, seed=0,
                    temperature=0.6, top_p=1.0, max_new_tokens=64,
                    completion=program,
                    finish_reason="stop", model="check", prompt_hash="0"),
             Verdict("passed" if right else "wrong", None, "", 0.0))
            for i, pairs in programs.items()
            for index, (program, right) in enumerate(pairs)]


def name_of(error):
    """The error's kind and first line."""
    first = (str(error).splitlines() or ["no message"])[0]
    return f"{type(error).__name__} ({first:.60})"


WRONG = "start = 12\nmonday = start + 2\nanswer = monday\n"
FIRST = ("start = 12\nmonday = start * 2\nfriday = monday - 3\n"
         "answer = friday\n")
RESPELT = "a = 12\nb = a*2  # doubled\nc = (b - 3)\nanswer = c\n"
OTHER = "t = 12\nt = t + t\nt = t - 3\nanswer = t\n"
THIRD = "t = 12\nt = t - 3\nt = t * 2\nt = t + 3\nanswer = t\n"
LAST = "start = 9\nmonday = start + 6\nanswer = monday\n"
# The samples of one problem are not in order, and the problems are mixed.
DISTINCT = judge_by_hand({
    0: [(WRONG, False), (FIRST, True), (RESPELT, True), (OTHER, True),
        (THIRD, True)],
    1: [(WRONG, False), (FIRST, False)],
    3: [(LAST, True), (LAST.replace("monday", "m"), True)]})[::-1]


def check_04_1(keep_distinct):
    """Exercise 1: up to k distinct correct programs per problem.

    Introduced in notebook 04, exercise 1.  Prints one line, returns a bool.
    """
    title = "3 pairs for k = 2"
    try:
        pairs = keep_distinct(PROBLEMS, list(DISTINCT), 2)
        found = [(str(pair.task_id), str(pair.completion))
                 for pair in pairs or ()]
    except (Exception, SystemExit) as error:
        return say(title, name_of(error), "return a list of training "
                   "pairs, as first_correct does")
    got = f"{len(found)} pairs"
    programs = [text for task_id, text in found if task_id == "check/0"]
    right = [FIRST, RESPELT, OTHER, THIRD]
    if not found:
        return say(title, got, "nothing is kept yet")
    if any(task_id == "check/1" or text == WRONG for task_id, text in found):
        return say(title, got, "a program with a wrong answer is kept")
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
    if found != [("check/0", FIRST), ("check/0", OTHER), ("check/3", LAST)]:
        return say(title, got, "they should be in the order of the "
                   "problems, and of the samples within one")
    return check_no_limit(keep_distinct)


def check_no_limit(keep_distinct):
    """The second half of exercise 1: ``k=None`` keeps all."""
    title = "3 pairs for k = 2, 4 for k = None"
    try:
        count = len(keep_distinct(PROBLEMS, list(DISTINCT), None))
    except (Exception, SystemExit) as error:
        return say(title, name_of(error),
                   "without a limit all distinct programs are kept")
    return say(title, f"3 and {count}", None if count == 4 else
               "without a limit all distinct programs are kept")


# check/0: only luck.  check/1: luck and a program that reads the question.
# check/2: luck in a wrong program only.  check/3: nothing is right.
LUCK = judge_by_hand({
    0: [("answer = 21\n", True), ("t = 17\nt = t + 4\nanswer = t\n", True),
        (WRONG, False)],
    1: [("answer = 12\n", True),
        ("t = 7\nt = t + 5\nanswer = t\n", True)],
    2: [("t = 20\nt = t / 2\nt = t + 4\nanswer = t\n", True),
        ("t = 20\nt = t - 9\nanswer = t\n", False)],
    3: [("answer = 16\n", False), ("t = 9\nanswer = t\n", False)]})


def check_04_2(only_luck):
    """Exercise 2: problems whose right programs are all suspicious.

    Introduced in notebook 04, exercise 2.  Prints one line, returns a bool.
    """
    title = "['check/0']"
    try:
        found = only_luck(PROBLEMS, list(LUCK))
        found = sorted(map(str, found or ()))
    except (Exception, SystemExit) as error:
        return say(title, name_of(error), "return a list of task_ids")
    reason = None
    if not found:
        reason = ("nothing is found; check/0 has two right programs, and "
                  "both use numbers that its question does not have")
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
