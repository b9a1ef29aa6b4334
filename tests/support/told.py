"""What a check of an exercise tells, for the tests of the checks."""


def line(capsys, check, answer):
    """The verdict of a check and the one line that it printed."""
    result = check(answer)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.startswith("expected ")
    assert out.endswith(": correct\n") if result else ": not yet, " in out
    return result, out
