"""Hidden cases: arguments on which an answer is compared with the solution.

Used when marking only; what is right is computed by the notebook's folded
solution.  A case is made anew for each answer, of the same seed, so that all
answers get the same ones.
"""

import itertools
import json
import math
import random
from copy import deepcopy
from functools import partial

from helpers.marking.staged import STAGED, same_waits

SEED = 20_240


def _judged(chances):
    """Problems, and samples with verdicts, the rows mixed."""
    from helpers.checks.notebook_04 import PROBLEMS, judge_by_hand
    rows = judge_by_hand({number: [
        (f"t = {value}\nanswer = t + {number}\n", right)
        for value, right in some] for number, some in chances.items()})
    random.Random(SEED).shuffle(rows)
    return list(PROBLEMS), rows


def _first_right():
    yield ["x = 1", "x = 2", "x = 3"], ["timeout", "blocked", "passed"]
    yield [], []
    yield ["x"] * 3, ["not passed", "Passed", "passed"]
    yield ["", "b"], ["passed", "passed"]


def _days_in_order():
    yield ("monday = 1\ntuesday = 2\nsunday = 3\nanswer = sunday\n",)
    yield ("saturday = 1\nfriday = 2\nanswer = friday\n",)
    yield ("wednesday = 1\nx = 2\ntuesday = 5\nanswer = tuesday\n",)
    yield ("total = 4\nanswer = total\n",)


def _compare():
    for value, expected in ((7.0, "7"), (7, "7"), (6.94, "7"), (7.08, "7"),
                            (True, "1"), ("7", "7"), (None, "7"),
                            (-3, "-3"), (-3.0, "-3"), (0, "0"),
                            (2.5, "2.5"), (math.inf, "7"), (math.nan, "0")):
        yield value, expected
        yield value, expected, "published"


def _simple_judge():
    from helpers.problems import Problem
    problem = Problem("hidden/0", "?", answer="5119")
    for program in ("answer = 5119", "answer = 5118.0 + 1", "answer = []",
                    "print(5119)", "answer = 5119 +", "answer = 5118"):
        yield problem, program, 20


def _few_shot_prompt():
    yield "Eve has 1 egg. How many?", []
    yield "Eve has 1 egg. How many?", [
        (f"Q{i}?", f"x = {i}\nanswer = x\n") for i in range(4)]


def _cut_completion():
    for text in ("answer = 1\n", "", "x = 1\nanswer = x\nanswer = 2\nx = 3\n",
                 "x = 4\nthe answer = 3\n", "a = 1\nanswer = a"):
        yield (text,)


def _pick():
    import torch
    source = torch.Generator().manual_seed(SEED)
    logits = 2 * torch.randn(16, 9, generator=source)
    uniform = torch.rand(16, generator=source)
    for temperature, top_p in ((0, 1.0), (0.7, 1.0), (1.3, 0.6)):
        yield logits.clone(), uniform.clone(), temperature, top_p


def _plan_request():
    exemplar = {"question": "Q: two hats.\n", "code": "print(2)\n",
                "plan": "1. Print 2.\n", "backward": "1. Say 2.\n"}
    for way in ("forward", "backward", "backward-with-question"):
        yield way, "Print three.\n\n", "print(3)", dict(exemplar)


def _no_leak():
    for plan, code in (("1. Use x=3.", "x = 3"), ("1. Say it.", "print( x )"),
                       ("1. Then else: stop.", "else:\n    y = 1"),
                       ("1. n = n\n+ 1 here", "n = n + 1"),
                       ("1. print(y) now", "y = 2\nprint(y)")):
        yield plan, code


def _carry_out():
    for lines, n in ((["Read n", "Monday: plus 12", "Divided by 5",
                       "Print it"], 9), (["Read n", "Print it"], 0),
                     (["Read n", "Sleep", "Print it"], 3),
                     (["Read n", "Minus 20", "Divided by 3", "Print it"], 1)):
        yield "".join(f"{i}. {line}.\n" for i, line in enumerate(
            lines, 1)), n


def _first_correct():
    yield _judged({0: [(1, False)], 1: [(2, True), (3, True)],
                   2: [(4, False), (5, True)], 3: []})
    yield _judged({3: [(9, True)], 0: [(1, True)]})


def _k_distinct():
    some = {0: [(1, True), (1, True), (2, True), (3, False), (4, True)],
            2: [(5, False), (6, True), (6, True)]}
    for k in (1, 2, 3, None):
        yield *_judged(some), k


def _pass_at_k():
    import numpy as np
    for n, counts, k in ((7, (0, 3, 7), 2), (50, (1, 2, 49), 50),
                         (3000, (0, 10, 1500), 40), (4, (2,), 1)):
        yield n, np.array(counts), k


def _bootstrap_means():
    import numpy as np
    values = np.random.default_rng(SEED).random(60)
    yield values, 3000, 5


def _paired_interval():
    import numpy as np
    rng = np.random.default_rng(SEED)
    a, b = rng.binomial(10, 0.6, 80), rng.binomial(10, 0.5, 80)
    for k, level in ((1, 0.95), (3, 0.9)):
        yield a.copy(), b.copy(), 10, k, level


def _completion_loss():
    import torch
    source = torch.Generator().manual_seed(SEED)
    labels = torch.randint(0, 5, (3, 6), generator=source)
    labels[:, :2] = labels[1, 4:] = -100
    yield torch.randn(3, 6, 5, generator=source), labels


def _alternate():
    yield [f"c{i}" for i in range(7)], ["p"] * 5, 9, 3, 4
    yield [f"c{i}" for i in range(5)], [], 4, 5, 11


def _what_is_equal():
    yield [([0, 1], [4])], [([0, 1], []), ([2], [])]
    yield [([0], [1, 2])], [([3], [1])]


def _estimate():
    yield 7, 10, 31, 17, 4, (250, 40)
    yield 1, 1, 10, 10, 8, (10, 5)


def _todo():
    tasks = [f"t{i}" for i in range(10)]
    for process, processes in itertools.chain(
            ((p, 4) for p in range(4)), ((p, 3) for p in range(3))):
        yield list(tasks), set(tasks[3:5]), process, processes


def _by_luck():
    yield [3, 0, 2], [1, 0, 0], 6
    yield [1], [1], 4


def _follow_examples():
    from helpers.checks.notebook_m9 import Plan, Problem
    problems = [Problem(f"hidden/{i}", f"Add {i} to n.", "stdio", solutions=(
        f"print(int(input()) + {i})", f"n = int(input())\nprint(n + {i})\n"))
        for i in range(3)]
    yield problems, [Plan(f"hidden/{i % 4}", "backward", i % 2, i,
                          f"1. Read n.\n2. Plus {i}.\n") for i in range(7)]
    yield problems[:1], []


def _chosen_right():
    yield 9, 5, 2, 4
    yield 7, 0, 0, 2
    yield 5, 5, 5, 5


def _best_by_hand():
    yield [3, 1, 3, 3, 0], [0.2, 1.0, 0.4, 0.9, 0.0], 3
    yield [0, 0], [1.0, 0.5], 1


def _unpack():
    for solutions, tests in (
            (["x = 1\n", "x = 2\n", "x = 3\n"],
             {"inputs": ["7\n", "8\n"], "outputs": ["1\n", "2\n"]}),
            (["def x(a):\n    return a\n"],
             {"fn_name": "x", "inputs": [["a", [12345678901234567890]]],
              "outputs": [True]}),
            (["x = 0\n"], {})):
        yield {"solutions": json.dumps(solutions),
               "input_output": json.dumps(tests)},
    yield {"solutions": "", "input_output": ""},


def _choose():
    from helpers.checks.notebook_m2 import Plan, Score
    for rows in ((("z", 0, 3, 1, 3), ("y", 0, 4, 2, 0), ("z", 1, 5, 2, 0),
                  ("y", 1, 2, 1, 1), ("y", 2, 0, 0, 0)),
                 (("x", 0, 0, 0, 0), ("x", 1, 1, 1, 0), ("x", 2, 2, 2, 2))):
        yield [Score(Plan(name, "forward", -1, i, f"1. {name}{i}.\n"),
                     *numbers) for name, i, *numbers in rows],


def _only_luck():
    from helpers.checks.notebook_04 import FIRST, LAST, PROBLEMS, judge_by_hand
    for some in ({0: [(FIRST, True)], 1: [("answer = 12\n", True)],
                  2: [("answer = 99\n", False)],
                  3: [("answer = 16\n", True)]},
                 {0: [("answer = 21\n", True), (FIRST, True)],
                  3: [(LAST, False)]}):
        yield list(PROBLEMS), judge_by_hand(some)[::-1]


def _suspects():
    from helpers.checks.notebook_m4 import kept_pairs
    yield kept_pairs((
        ("5 Monday:finds 2", "t = 5\nt = t + 2\nanswer = t\n", ""),
        ("5 Monday:finds 2 Friday:loses 2", "answer = 5\n", ""),
        ("6 Friday:doubles them", "t = 6\nt = t + 6\nanswer = t\n", ""),
        ("9 Monday:loses 4 Tuesday:finds 1",
         "a = 9\nb = a - 4\nc = b + 1\nanswer = c\n", ""),
        ("Bo has 2 rows of 7 hats. How many hats has Bo?",
         "answer = 7 + 7\n", "")))


def _mixed_loss():
    import torch
    for codes, plans, weights in (
            (((0.5, 10), (0.25, 30), (4.0, 1)), ((1.0, 7),), (1.0, 3.0)),
            (((2.5, 3),), ((0.1, 90), (0.7, 10)), (0.5, 0.0)),
            (((0.2, 5), (0.6, 15)), (), (2.0, 2.0))):
        yield *([(torch.tensor(loss, requires_grad=True), tokens)
                 for loss, tokens in part] for part in (codes, plans)), weights


def _fair_gain():
    yield ({"n": 10, "tokens": 1000, "counts": [(4, 1), (0, 0), (9, 9)]},
           {"codes": 3, "tokens": 370, "plans": [
               [(1, 1), (3, 2)], [(0, 0), (2, 2)], [(2, 0), (2, 2)]]})
    yield ({"n": 4, "tokens": 90, "counts": [(2, 1)]},
           {"codes": 2, "tokens": 90, "plans": [[(0, 0), (1, 1), (1, 0)]]})


# ------------------------------------------------------------ what is the same

def _same(got, wanted, margin=1e-6):
    """Whether two values agree, up to rounding and the kind of sequence."""
    if hasattr(wanted, "tolist"):
        wanted = wanted.tolist()
    if hasattr(got, "tolist"):
        got = got.tolist()
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got == wanted
    if isinstance(wanted, (int, float)) and isinstance(got, (int, float)):
        return math.isclose(got, wanted, rel_tol=1e-5, abs_tol=margin)
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)):
        return len(got) == len(wanted) and all(
            _same(a, b, margin) for a, b in zip(got, wanted))
    return type(got) is type(wanted) and got == wanted


def _alike(got, wanted):
    """Whether two samples of means are of one distribution, roughly."""
    import numpy as np
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    return got.shape == wanted.shape and abs(
        got.mean() - wanted.mean()) < wanted.std() and (
        0.8 < got.std() / wanted.std() < 1.25)


def _near(got, wanted):
    """Whether two intervals are the same, up to resampling."""
    width = wanted[1] - wanted[0]
    return len(got) == 2 and all(
        abs(a - b) < 0.12 * width for a, b in zip(got, wanted))


def _same_epochs(got, wanted):
    """Whether updates have one form, and codes come in whole epochs."""
    got, wanted = list(got), list(wanted)
    if [tuple(map(len, each)) for each in got] != [
            tuple(map(len, each)) for each in wanted]:
        return False
    codes = [[c for part, _ in updates for c in part]
             for updates in (got, wanted)]
    size = 1 + max(codes[1])
    return all(sorted(codes[0][i:i + size]) == list(range(size))
               for i in range(0, len(codes[0]) - size + 1, size))


def _same_share(got, wanted):
    """Which task is whose is free; how many each has is not."""
    return len(list(got)) == len(wanted)


def _same_set(got, wanted):
    """Whether the names are the same, in any order, each once."""
    return sorted(got) == sorted(wanted)


def _same_row(got, wanted):
    """A number that came out of JSON may be a number or its text."""
    from helpers.checks.notebook_m3 import numbers_as_text
    return numbers_as_text(got) == numbers_as_text(wanted)


HIDDEN_CASES = {each.__name__[1:]: each for each in (
    _first_right, _days_in_order, _compare, _simple_judge, _few_shot_prompt,
    _cut_completion, _pick, _plan_request, _no_leak, _carry_out,
    _first_correct, _k_distinct, _pass_at_k, _bootstrap_means,
    _paired_interval, _completion_loss, _alternate, _what_is_equal, _estimate,
    _todo, _by_luck, _best_by_hand, _unpack, _choose, _only_luck, _suspects,
    _mixed_loss, _fair_gain, _follow_examples, _chosen_right)}
HIDDEN_CASES |= {name: cases for name, (cases, _) in STAGED.items()}
AGREES = {"bootstrap_means": _alike, "paired_interval": _near,
          "alternate": _same_epochs, "todo": _same_share,
          "only_luck": _same_set, "suspects": _same_set, "unpack": _same_row,
          "with_retry": same_waits}
# Computed in 32 bits, in another process.
AGREES |= dict.fromkeys(("LoRALinear", "training_loop", "task_loss",
                         "distil_step", "mixed_loss", "process_loss"),
                        partial(_same, margin=1e-4))


def hidden_miss(exercise, answer, solution):
    """Why ``answer`` fails a hidden case, in a sentence; None if it does not.
    """
    from helpers.checks.report import attempt, call_of, shown
    make = HIDDEN_CASES.get(exercise.name)
    play = STAGED[exercise.name][1] if exercise.name in STAGED else None

    def called(function, arguments):
        return ((play, function) if play else (function,)) + tuple(
            deepcopy(list(arguments)))

    for arguments in make() if make else ():
        ours, *given = called(solution, arguments)
        wanted = ours(*given)
        call = (f"{exercise.name} in a play with {shown(arguments)}" if play
                else call_of(answer, arguments))
        got, failed = attempt(*called(answer, arguments), nothing=None,
                              seconds=30)
        if failed:
            return f"a hidden case: {call} gives {failed.got}; {failed.why}"
        try:
            right = AGREES.get(exercise.name, _same)(got, wanted)
        except Exception:
            right = False
        if not right:
            return (f"a hidden case: {call} gives {shown(got)}, and not "
                    f"{shown(wanted)}")
    return None
