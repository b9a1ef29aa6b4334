"""Checks of the exercises in notebook 02."""

from helpers.checks.report import (attempt, entries, exercise, misfit,
                                   one_number, say, shown)


@exercise
def check_02_1(nucleus):
    """Exercise 1: the positions that top-p keeps."""
    cases = (([0.5, 0.3, 0.2], 0.7, {0, 1}, "the token that crosses the "
              "line belongs to the nucleus"),
             ([0.1, 0.6, 0.3], 0.5, {1}, "one token alone can be enough; "
              "start with the likeliest, wherever it stands"),
             ([0.25, 0.25, 0.5], 0.5, {2}, "stop as soon as the sum reaches "
              "top_p, and take no token more"),
             ([0.2, 0.3, 0.5], 1.0, {0, 1, 2}, "top_p = 1 keeps everything"))
    for probs, top_p, expected, why in cases:
        got, failed = attempt(nucleus, list(probs), top_p)
        if failed:
            return say(expected, failed)
        kept, failed = entries(got, "return the set of positions",
                               ordered=False)
        if failed:
            return say(expected, failed)
        if any(isinstance(i, bool) or not isinstance(i, (int, float))
               for i in kept):
            return say(expected, misfit(got, "return the set of positions"))
        if set(kept) != expected:
            if set(kept) & set(probs) and not set(kept) & {0, 1}:
                why = "return positions, not the probabilities there"
            elif kept and probs.index(max(probs)) not in kept:
                why = "start with the likeliest, wherever it stands"
            return say(expected, shown(got if isinstance(got, set) else kept),
                       f"for probs = {probs}, top_p = {top_p}: {why}")
    return say("four nuclei", "all four")


@exercise
def check_02_2(calls_left):
    """Exercise 2: completions that a resumed run still has to draw."""
    cases = ((["a", "b"], 3, [], 6, "an empty cache leaves everything"),
             (["a", "b"], 3, [("a", 0), ("a", 1)], 4,
              "what is in the cache is paid for"),
             (["a"], 2, [("a", 0), ("a", 0)], 1,
              "a pair that stands twice counts once"),
             (["a"], 2, [("a", 5)], 2,
              "an index of an earlier, larger n does not help"),
             (["a"], 2, [("z", 0), ("z", 1)], 2,
              "other problems do not help"))
    for task_ids, n, done, expected, why in cases:
        got, failed = attempt(calls_left, list(task_ids), n, list(done))
        if not failed:
            number, failed = one_number(got, "return how many")
        if failed:
            return say(expected, failed)
        if number != expected:
            return say(expected, shown(got), f"for {task_ids}, n = {n}, "
                       f"done = {done}: {why}")
    return say("five counts", "all five")
