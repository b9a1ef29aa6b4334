"""Checks of the exercises of notebook M1."""

from helpers.checks.report import exercise, misfit, say, shown
from helpers.execution import STATUSES, compare_output

# Exercise 1: the programs (expected: 10), their verdicts, and why.
PROGRAMS = {
    "A": ("answer = 10 / 4 * 4", "passed", "10.0 equals 10"),
    "B": ("answer = str(10)", "wrong", "text is an answer, not a number"),
    "C": ("total = 10", "error", "it ends without an answer"),
    "D": ("answer = 10\nwhile answer:\n    pass", "timeout",
          "it must end before its answer is read"),
    "E": ("answer = 10\nprint(answer", "unparsable",
          "a bracket is open, so that not even its first line runs"),
    "F": ("import os\nos.system('echo 10')\nanswer = 10", "blocked",
          "it calls the shell before it answers"),
    "G": ("answer = [10] * 10**10", "memory",
          "the list needs 80 GB at once")}
# Exercise 2: expected outputs, and what the official scorer overlooks there.
EXPECTED = {"5 4 3 2 1": "the order of the words in a line",
            "first\nsecond": "the order of the lines",
            "123456789": "the last digits of a large number"}


@exercise
def check_m1_1(prediction):
    """Exercise 1: ``prediction`` maps A to G to a verdict."""
    if not isinstance(prediction, dict):
        return say("a dictionary with the keys A to G", misfit(
            prediction, "keep the keys of the stub"))
    if set(prediction) != set(PROGRAMS):
        return say("a dictionary with the keys A to G", shown(
            list(prediction)), "keep the keys of the stub")
    open_ones = [key for key, said in prediction.items() if said is None]
    if open_ones:
        return say("seven verdicts", f"{7 - len(open_ones)}",
                   f"{', '.join(open_ones)} to go")
    for key, (_, verdict, why) in PROGRAMS.items():
        said = prediction[key]
        if not isinstance(said, str):
            return say(f"a verdict on {key}", misfit(
                said, "name the verdict as text, in quotes"))
        said = said.strip().lower()
        if said not in STATUSES:
            return say("one of " + " ".join(STATUSES[:-1]),
                       shown(said), f"the entry of {key} is no verdict")
        if said != verdict:
            return say(f"another verdict on {key}", said, why)
    return say("seven verdicts", "seven right ones")


@exercise
def check_m1_2(fakes):
    """Exercise 2: ``fakes``, wrong outputs that the official scorer accepts.
    """
    title = "a dictionary with the three expected outputs as keys"
    if not isinstance(fakes, dict):
        return say(title, misfit(fakes, "keep the keys of the stub"))
    if set(fakes) != set(EXPECTED):
        return say(title, shown(list(fakes)), "keep the keys of the stub")
    for expected, hint in EXPECTED.items():
        fake = fakes[expected]
        wanted = f"a wrong output that passes for {expected!r}"
        if fake is None:
            return say(wanted, None, "write it as text")
        if not isinstance(fake, str):
            return say(wanted, misfit(fake, "write it as text"))
        if compare_output(fake, expected, "strict"):
            return say(wanted, shown(fake), "that one is right")
        if not compare_output(fake, expected, "apps"):
            return say(wanted, shown(fake),
                       f"the official scorer refuses it; think of {hint}")
    return say("three wrong outputs that pass", "three")
