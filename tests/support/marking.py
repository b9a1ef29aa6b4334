"""What tests of the checks share."""

import re


def assert_told_why(check, answer, message, capsys):
    """A wrong answer is refused, in one line that says why."""
    assert check(answer) is False
    printed = capsys.readouterr().out
    assert ": not yet, " in printed and message in printed, printed
    assert printed.startswith("expected ") and printed.count("\n") == 1


def rejected(check, answers, capsys):
    """Every wrong answer is refused in one line, each with its own."""
    reasons = set()
    for answer in answers:
        assert check(answer) is False
        out = capsys.readouterr().out
        assert re.fullmatch(r"expected .*, got .*: not yet, .*\n", out), out
        reasons.add(out)
    assert len(reasons) == len(answers)
