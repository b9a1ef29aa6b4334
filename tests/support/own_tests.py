"""A problem with tests of one's own: assert statements that call f."""

from helpers.problems import Problem


def asserting(*tests, **more):
    return Problem("own/1", "?", "calls", tests=tests, entry_point="f",
                   **more)
