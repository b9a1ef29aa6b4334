"""What the checks of all exercises share: one line, and never a traceback."""


def say(expected, got, why=None):
    """Print the result of a check; True if there is no ``why``."""
    verdict = f"not yet, {why}" if why else "correct"
    print(f"expected {expected}, got {got}: {verdict}")
    return why is None


def attempt(function, *arguments):
    """``(value, None)``, or ``(None, what went wrong)`` as one line."""
    try:
        return function(*arguments), None
    except (Exception, SystemExit) as error:
        first = (str(error).splitlines() or [""])[0]
        return None, f"{type(error).__name__}: {first:.80}"
