"""What tests of the checks share."""


def assert_told_why(check, answer, message, capsys):
    """A wrong answer is refused, in one line that says why."""
    assert check(answer) is False
    printed = capsys.readouterr().out
    assert ": not yet, " in printed and message in printed, printed
    assert printed.startswith("expected ") and printed.count("\n") == 1
