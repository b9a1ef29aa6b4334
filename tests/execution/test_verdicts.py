"""What counts as equal, and why two judges differ."""

from helpers.execution import compare, explain_disagreement


def test_exact_compares_numbers_only():
    for value, expected, right in (
            (6, "6", True), (6.0, "6", True), (0.1 + 0.2, "0.3", True),
            (5.9999, "6", False), (-1200, "-1200", True), (1200, "-1200", 0),
            (10 ** 400, "6", False), (6, "6.5", False), (1e300, "1", False),
            (float(10 ** 15), str(10 ** 15), True), (0.0, "0", True),
            (10 ** 18, str(10 ** 18), True), (True, "1", False),
            ("6", "6", False), (None, "0", False), (float("nan"), "0", 0),
            (float("inf"), "1", False), (-0.0, "0", True)):
        assert compare(value, expected) == bool(right), (value, expected)


def test_published_is_the_released_check():
    """Against the formula, on a grid around positive, zero and negative."""
    for y in (-250, -1, 0, 1, 3, 250, 10 ** 6):
        for shift in (0, 1e-9, 1e-6, .002, .009, .011, .1, 1):
            for value in (y + shift, y * (1 + shift), float(y), y):
                right = (isinstance(value, float) and
                         abs(value - y) / max(y, 1e-5) < 0.01)
                assert compare(value, str(y), "published") == right
    assert not compare(250, "250", "published")
    assert compare(248.0, "250", "published")
    assert not compare(-248.0, "-250", "published")
    assert compare(-250.0, "-250", "published")
    assert not compare(True, "1", "published")


def test_disagreements_have_reasons():
    for value, expected, reason in (
            (5, "5", "an int"), (152.0, "153", "another number"),
            (44.8, "45", "rounds"), (5.0, "5", "none"), (7.0, "5", "none")):
        assert reason in explain_disagreement(value, expected)
