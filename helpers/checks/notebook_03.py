"""Checks of the exercises of notebook 03.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises.
"""

from helpers.checks.report import (as_python, attempt, exercise, in_words,
                                   misfit, say, shown)
from helpers.plans import WAYS, plan_request, steps

# ------------------------------------ exercise 1: the prompt for a plan

EXEMPLAR = {
    "question": "Jon has n hats. On Sunday Jon finds 6. On Tuesday Jon halves "
                "them. Read n, print how many hats Jon has in the end.\n",
    "code": "a = int(input())\nb = a // 2\nc = b + 6\nprint(c)\n",
    "plan": "1. Read n.\n2. Tuesday: divided by 2.\n3. Sunday: plus 6.\n"
            "4. Print it.\n",
    "backward": "1. Read n.\n2. Divided by 2.\n3. Plus 6.\n4. Print it.\n"}
WITHOUT_BACKWARD = {key: EXEMPLAR[key] for key in ("question", "code", "plan")}
QUESTION = ("Uma has n rings. On Friday Uma loses 9. Read n, print how many "
            "rings Uma has in the end.")
GIVEN_CODE = "x = int(input())\nx -= 9\nprint(x)"       # no newline at its end
# (way, newlines behind question and code, exemplar)
PROMPTS_ASKED = (
    ("backward", "", EXEMPLAR), ("backward-with-question", "", EXEMPLAR),
    ("forward", "", EXEMPLAR), ("backward", "\n", EXEMPLAR),
    ("backward", "", WITHOUT_BACKWARD))


def wrong_with(text, wanted, way, end, exemplar):
    """What is wrong with a prompt, or None."""
    if not isinstance(text, str):
        return f"this is {in_words(text)}; return the prompt as text"
    question, code = ("question" in WAYS[way]), ("code" in WAYS[way])
    if not question and ("Uma" in text or "QUESTION" in text):
        return ("the question is shown, and nothing but code is wanted: "
                "leave out its label, too, and the exemplar's")
    if not code and ("x -= 9" in text or "CODE" in text):
        return ("code is shown, and nothing but the question is wanted: "
                "leave out its label, too, and the exemplar's")
    if "ivided by 2." not in text:
        return "the solved exemplar must come first, its plan included"
    named = "Tuesday:" in text
    if named and not question and exemplar is EXEMPLAR:
        return ("the exemplar's plan names days that nobody can see in its "
                "code; use exemplar[way] where there is one")
    if question and not named:
        return ("with the question the exemplar's plan may name the days; "
                "use its plan of the key \"plan\"")
    for is_shown, part, first, last in (
            (question, "question", "Jon finds 6", "Uma loses 9"),
            (code, "code", "c = b + 6", "x -= 9")):
        if is_shown and first not in text:
            return (f"the {part} of the exemplar is missing; it must come "
                    f"first, solved")
        if is_shown and last not in text:
            return f"the {part} of the target is missing"
        if is_shown and text.index(last) < text.index(first):
            return "the exemplar comes first, the target last"
    if question and code and text.index("Uma loses") > text.index("x -= 9"):
        return "the question comes before the code, as in WAYS"
    if not text.endswith("PLAN:\n"):
        return ("it must end in 'PLAN:' and a newline, and the model goes on "
                "from there")
    if text.endswith(("print(x)PLAN:\n", "end.PLAN:\n")):
        return ("what is given does not end in a newline, so the label is "
                "stuck to its last line")
    if end and "\n\nPLAN" in text:
        return ("what is given ends in a newline already, so there is a blank "
                "line too many; strip it first")
    if "Print it.\n\n" not in text:
        return "a blank line ends the exemplar"
    if text != wanted:
        first = next((b for a, b in zip(text.splitlines() + [""] * 40,
                                        wanted.splitlines()) if a != b),
                     "its end")
        return f"it should read {first!r} somewhere; compare line by line"


@exercise
def check_03_1(plan_request_of_yours):
    """Exercise 1: the prompt for a plan, in three ways.

    Prints one line, returns a bool.
    """
    for way, end, exemplar in PROMPTS_ASKED:
        given = (way, QUESTION + end, GIVEN_CODE + end)
        wanted = plan_request(*given, exemplar)
        title = f"{len(wanted)} characters {way}"
        text, failed = attempt(plan_request_of_yours, *given, dict(exemplar))
        if failed:
            return say(title, failed, "an exemplar may have no plan of that "
                       "key; take its \"plan\" then"
                       if failed.kind == "KeyError" else None)
        why = wrong_with(text, wanted, way, end, exemplar)
        if why:
            size = (f"{len(text)} characters" if isinstance(text, str)
                    else shown(text))
            return say(title, size, why)
    return say("the prompt in three ways", "all three")


# --------------------------- exercise 2: does the plan give the program away

BRANCHING = ("n = int(input())\nif n > 5:\n    n = n * 2\nelse:\n"
             "    n = n + 31\nprint(n)\n")
# (plan, no leak?, what is said if it comes out otherwise).
LEAKS = (
    ("1. Read n.\n2. Double it if it is above 5.\n3. Print it.\n", True,
     "this plan is in words alone and quotes no line of the program"),
    ("1. Read n.\n2. n = n * 2\n3. Print it.\n", False,
     "line 2 quotes the program; a plan with one line of code leaks"),
    ("1. Read n.\n2. Else add, as in `n = n + 31`.\n", False,
     "code within a line of words is quoted, too: look for the program's "
     "line anywhere in the plan"),
    ("1. Read n.\n2. Do n=n*2.\n3. Print it.\n", False,
     "spaces do not count, neither in the plan nor in the program"),
    ("1. Read n.\n2. If it is small, add 31, or else: double.\n", True,
     "\"else:\" has neither = nor (, so it may be said in words"),
    ("1. Read n.\n2. print the number\n", True,
     "a word of the program, such as print, is no line of it"),
    (BRANCHING, False, "the whole program in the place of a plan leaks"),
    ("1. Read n.\n2. Take n = n * 3.\n", True,
     "that line is not in the program, so it gives nothing away"),
    ("1. Read n.\n2. At last do print( n ).\n", False,
     "a line with ( counts, too, and print(n) is one"))


OTHER_LEAKS = (
    ("", (("1. Go.\n", True, "a program without lines has none to quote"),)),
    ("if n > 5:\n\tn = n * 2\n", (
        ("1. Take n = n * 2.\n", False, "a tab is a space, too, and begins "
         "the program's second line"),)))


@exercise
def check_03_2(no_leak):
    """Exercise 2: no line of the program stands in the plan.

    Prints one line, returns a bool.
    """
    for code, cases in ((BRANCHING, LEAKS), *OTHER_LEAKS):
        for plan, wanted, why in cases:
            said = (steps(plan)[1:] or steps(plan))[0]
            title = f"{wanted} for the plan with '{said}'"
            got, failed = attempt(no_leak, plan, code)
            if failed:
                return say(title, failed)
            got = as_python(got)
            if not isinstance(got, bool):
                return say(title, misfit(got, "return True or False"))
            if got != wanted:
                return say(title, got, why)
    return say(f"{len(LEAKS) + len(OTHER_LEAKS)} plans told apart", "all")


# ------------------------------------------- exercise 3: carry a plan out

LONG = "".join(f"{i}. {text}.\n" for i, text in enumerate(
    ["Read n", *["Plus 1"] * 8, "Times 2", "Minus 12", "Print it"], 1))
# (plan, n, result, what is said if it comes out otherwise).
CARRIED = (
    ("1. Read n.\n2. Times 2.\n3. Minus 3.\n4. Print it.\n", 10, 17,
     "times 2, then minus 3"),
    ("1. Read n.\n2. Monday: times 3.\n3. Friday: plus 20.\n4. Print it.\n",
     7, 41, "a day in front of a line changes nothing"),
    ("1. Read n.\n2. Friday: plus 4.\n3. Monday: times 2.\n4. Print it.\n",
     5, 18, "do the lines in the order in which they stand, not in that of "
     "the days"),
    ("1. Read n.\n2. Divided by 2.\n3. Print it.\n", 9, 4,
     "division is //, as in the programs"),
    ("1. Read n.\n2. Minus 12.\n3. Divided by 2.\n4. Print it.\n", 5, -4,
     "// rounds down, also below 0: -7 // 2 is -4"),
    ("1. Read n.\n2. Plus 31.\n3. Times 10.\n4. Minus 7.\n5. Print it.\n",
     -40, -97, "n may be below 0, and a number may have two digits"),
    (LONG, 10, 24, "the number in front of a line is not part of it, also "
     "where it has two digits"),
    ("1. Read n.\n2. Plus 5.\n3. Ask Monday again.\n4. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None"),
    ("1. Read n.\n2. Plus 5 then 3.\n3. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None: a deed is "
     "its words and one number, and nothing else"),
    ("1. Read n.\n2. Read the question again.\n3. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None: only `read "
     "n` and `print it` change nothing"),
    ("1. Read n.\n2. Times.\n3. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None"),
    ("1. Read n.\n2. Print it.\n", 0, 0, "0 is a result, not nothing"))


@exercise
def check_03_3(carry_out):
    """Exercise 3: a plan carried out without a program.

    Prints one line, returns a bool.
    """
    for plan, n, wanted, why in CARRIED:
        title = f"{wanted} for n = {n} ({' / '.join(steps(plan)[1:4])})"
        got, failed = attempt(carry_out, plan, n,
                              nothing=None if wanted is None else why)
        if failed:
            return say(title, failed, why if failed.kind else None)
        got = as_python(got)
        if got is not None and type(got) not in (int, float):
            return say(title, misfit(got, f"return a whole number, or None; "
                                          f"{why}"))
        if got != wanted or isinstance(got, float):
            same = got == wanted and isinstance(got, float)
            return say(title, repr(got),
                       "whole numbers stay whole: use //" if same else why)
    return say(f"{len(CARRIED)} plans carried out", "all")
