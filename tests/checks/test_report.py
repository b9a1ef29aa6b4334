"""Every check, given what learners give: one line, which says what is true."""

import importlib
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.checks import limits
from helpers.checks.report import entries, exercise, one_number, say
from helpers.execution import compare
from helpers.mini.reading import days_in_order
from helpers.teachers.decoding import pick

FUNCTIONS = ("00_2 00_3 01_2 01_3 02_1 02_2 02_3 03_1 03_2 03_3 04_1 "
             "04_2 m4_1 m4_2 m4_3 05_1 05_2 05_3 05_4 m5_1 m5_2 06_1 06_2 "
             "06_3 m6_1 m6_2 07_1 07_2 07_3 08_1 08_2 m7_1 m7_2 m8_1").split()
VALUES = "00_1 01_1 m1_1 m1_2 m8_2".split()


def check_of(number):
    module = importlib.import_module(f"helpers.checks.notebook_{number[:2]}")
    return getattr(module, f"check_{number}")


def told(check, answer, capsys):
    """The line of a wrong answer, without what it printed."""
    assert check(answer) is False
    out = capsys.readouterr().out.partition("printed by ")[0]
    assert out.startswith("expected ") and out.count("\n") == 1, out
    assert ": not yet, " in out and "Traceback" not in out
    assert "can be looked at" not in out, out      # our own code failed
    return out


class Odd:
    def __repr__(self):
        raise ValueError("not to be shown")

    def __eq__(self, other):
        raise ValueError("not to be compared")


def by_line(*arguments):
    numbers = {}
    return numbers["day"]


def with_print(*arguments):
    print("what", "comes out")


def too_few():
    return 1


def one_by_one(*arguments):
    while True:
        yield 1


@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_function_that_fails_is_told_where_and_on_what(number, capsys):
    check = check_of(number)
    line = told(check, by_line, capsys)
    assert "KeyError: 'day'" in line
    here = by_line.__code__.co_firstlineno + 2
    assert f'line {here}, `return numbers["day"]`, of by_line(' in line
    assert "return a list" not in line           # that is not what is wrong
    line = told(check, too_few, capsys)
    assert "too_few() takes 0 positional arguments but" in line
    assert "the call failed: too_few(" in line


@pytest.mark.parametrize("number", FUNCTIONS)
def test_what_was_to_be_printed_is_to_be_returned(number, capsys):
    line = told(check_of(number), with_print, capsys)
    assert "prints 'what comes out': return that instead" in line


@pytest.mark.parametrize("number", FUNCTIONS)
def test_what_nobody_asked_for_is_named(number, capsys):
    for value, words in (
            ({"a": 1}, "a dictionary"), (1j, "a complex number"),
            (too_few, "a function: it is not called"), (int, "a class"),
            (Odd(), "an Odd"), (b"21", "bytes")):
        assert f"this is {words}" in told(check_of(number), lambda *_: value,
                                          capsys)


@pytest.mark.parametrize("number", FUNCTIONS)
def test_no_wrong_value_ends_in_a_traceback(number, capsys):
    for value in (
            "21", 21, 0.5, True, float("nan"), float("inf"), 10**400, [], (),
            [None], [[1, 2], [3, 4]], (1, 2, 3), {1}, {"a"}, "text",
            itertools.count(), np.float64(0.5), np.int64(3), np.array(2.5),
            np.array([[1.0, 2.0], [3.0, 4.0]]), torch.ones(3), [Odd()],
            torch.tensor(2.5), ..., Exception, range(10**9), "x" * 10**6,
            object()):
        line = told(check_of(number), lambda *_: value, capsys)
        assert len(line) < 700


@pytest.mark.parametrize("number", FUNCTIONS)
def test_no_answer_without_end_hangs_a_check(number, capsys, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.2)
    line = told(check_of(number), one_by_one, capsys)
    assert "generator: use return" in line or "it never ends" in line
    if number not in ("01_2", "07_2", "07_3", "m7_1"):  # they have more time
        def loop(*arguments):
            while True:
                pass
        line = told(check_of(number), loop, capsys)
        assert "no end within 0.2 seconds" in line and "of loop(" in line


@pytest.mark.parametrize("number", [*FUNCTIONS, *VALUES])
def test_what_is_no_answer_at_all_is_told(number, capsys):
    for value in (None, 21, 2.5, True, "21", [], {}, set(), Odd(),
                  {"A": Odd()}, np.ones(3), torch.ones(2), object, 10**400):
        line = told(check_of(number), value, capsys)
        if number in FUNCTIONS and value is not object:
            assert "write a function; this is " in line


CHANGED = {
    "02_1": lambda question, exemplars: exemplars.clear() or question,
    "02_2": lambda logits, uniform, t, p: logits.zero_().argmax(-1),
    "04_1": lambda problems, judged: judged.clear() or [],
    "m4_2": lambda problems, judged: judged.clear() or ["check/0"],
    "05_2": lambda logits, labels: labels.clamp_(min=0).sum(),
    "05_4": lambda model, batches, loss, rates: [rates.pop()],
    "06_3": lambda one, other: (one.pop(), True, 1.0),
    "m6_2": lambda direct, planned: planned["plans"].pop() and 0.1,
    "m7_2": lambda tasks, done, i, k: done.update(tasks) or []}


@pytest.mark.parametrize("number", CHANGED)
def test_an_argument_that_was_changed_is_named(number, capsys):
    line = told(check_of(number), CHANGED[number], capsys)
    assert "changed by the call" in line and "work on a copy" in line


@pytest.mark.parametrize("program, words", [
    ('answer = "21"', "got '21': not yet, this is text: leave out the quotes"),
    ('answer = "many"', "this is text; answer must be a number"),
    ("answer = print(21)", "print(), for one, gives back None"),
    ("answer = [21]", "it has type list"), ("answer = True", "type bool"),
    ("print(21)", "printing it is not enough"),
    ("answer = 12 * 2 -", "line 1, invalid syntax"),
    ("x = 1\nanswer = (x", "line 2, '(' was never closed"),
    ("answer = days", "NameError: name 'days' is not defined"),
    ("answer = int(input())", "EOFError"),
    ("while True: pass", "come to an end"),
    ("answer = open('/etc/passwd')", "blocked (open)"),
    ("answer = 20", "go through the days again"),
    ("answer = 10**400", "go through the days again")])
def test_00_1_says_what_the_judge_found(program, words, capsys):
    assert words in told(check_of("00_1"), program, capsys)


@pytest.mark.parametrize("trick, words", [
    ("import os\nos._exit(0)", "must not end"),
    ("import sys\nif 'helpers.checks.notebook_01' in sys.modules:\n"
     "    while True: pass\nanswer = 1", "does not end"),
    ("raise KeyboardInterrupt", "must not end the checker")])
def test_01_1_leaves_the_kernel_alone(trick, words, capsys, monkeypatch):
    monkeypatch.setattr("helpers.checks.notebook_01.PATIENCE", 3)
    assert words in told(check_of("01_1"), trick, capsys)


@pytest.mark.parametrize("number, answer, words", [
    ("02_2", lambda *_: [1.0], "return a tensor of 1 token ids"),
    ("02_2", lambda *_: [True], "return a tensor of 1 token ids"),
    ("02_3", lambda text: {text, "stop"}, "return the text and the reason"),
    ("04_1", lambda problems, judged: [judged[0][0].completion],
     "an entry is text; return a list of training pairs"),
    ("01_3", lambda *_: "True", "this is text; return True or False"),
    ("m4_1", lambda problems, judged, k: [judged[0][0].completion],
     "an entry is text; return a list of training pairs"),
    ("07_3", lambda a, b, n, k, level=0.95: np.percentile(
        np.random.default_rng(0).choice(gain(a, b, n, k), (4000, len(
            a))).mean(1), [0.025, 0.975]), "it wants 2.5 and 97.5"),
    ("07_3", lambda a, b, n, k: ["0.4", "0.6"], "without quotes"),
    ("08_2", lambda *_: {60000, 48000, 126.0}, "this is a set"),
    ("06_2", lambda *_: [([0, 1.5], [0])],
     "numbers of examples are wanted")])
def test_the_reason_is_the_true_one(number, answer, words, capsys):
    assert words in told(check_of(number), answer, capsys)


def gain(a, b, n, k):
    from helpers.evaluation import pass_at_k
    return pass_at_k(n, a, k) - pass_at_k(n, b, k)


def test_right_answers_may_be_of_a_library(capsys):
    assert check_of("02_2")(lambda *given: pick(*given).numpy())
    assert check_of("02_2")(lambda *given: (int(i) for i in pick(*given)))
    assert check_of("04_2")(lambda program: np.bool_(days_in_order(program)))
    assert check_of("08_2")(lambda p, n, q, w, c, s: np.array(
        [p * -(-n // c) * q, p * n * w, p * -(-n // c) * q / s[0]
         + p * n * w / s[1]]))
    assert check_of("01_3")(lambda *given: np.bool_(compare(*given)))
    assert capsys.readouterr().out.count(": correct\n") == 5


def below(check, answer, capsys):
    """What stands below the line of the check."""
    check(answer)
    return capsys.readouterr().out.splitlines()[1:]


def test_what_an_answer_prints_stands_below_the_line(capsys):
    def only_luck(problems, judged):
        print(len(problems), "\t|", len(judged))
        print("to stderr", file=sys.stderr)
        print("half\rwhole \x1b[0m\udc80")
        raise KeyError("check/0")
    check = check_of("m4_2")
    line, *lines = below(check, only_luck, capsys)
    assert line.startswith("printed by only_luck([Problem(")
    assert lines == ["  4       | 9", "  to stderr", "  whole ?[0m?"]

    def pick(*_):
        print("of a generator")
        yield 0
        print("and its end")
    assert below(check_of("02_2"), pick, capsys) == [
        "printed by pick(a Tensor of shape (1, 3), a Tensor of shape (1,), "
        "0.0, 1.0):", "  of a generator", "  and its end"]

    def process_loss(loss, tokens, all_sum):
        print(tokens)
    told = below(check_of("m7_1"), process_loss, capsys)
    assert sorted(told[1:]) == ["  0", "  20", "  90"]
    assert below(check, lambda *_: [], capsys) == []     # of this check alone


@pytest.mark.parametrize("text, lines", [
    ("again " * 1000 + "\n", 20), ("again " * 1000, 1), ("\n", 0)])
def test_of_endless_printing_the_beginning_is_shown(text, lines, capsys,
                                                    monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.2)

    def loop(*_):
        while True:
            print(text, end="")
    told = below(check_of("m4_2"), loop, capsys)
    assert all(len(line) <= 79 for line in told)
    assert len(told) == (lines and lines + 2)
    assert not told or "only the beginning" in told[-1]


class Leaves:
    """It ends the program wherever somebody looks at it."""

    shape = ()

    def item(self):
        sys.exit(3)

    __repr__ = __float__ = __eq__ = item


def test_what_ends_the_program_when_it_is_looked_at_is_told(capsys):
    for answer in (Leaves(), lambda *_: Leaves()):
        assert not check_of("04_2")(answer)
        assert "SystemExit: 3: not yet" in capsys.readouterr().out


def test_a_name_of_python_with_another_value_is_named(capsys):
    space = {"sum": 3}
    exec("def only_luck(problems, judged):\n    return sum(problems)", space)
    assert "sum is 3 in your notebook" in told(
        check_of("m4_2"), space["only_luck"], capsys)

    async def days_in_order(*_):
        return True
    assert "leave out async" in told(check_of("04_2"), days_in_order, capsys)


def test_a_check_can_mark(capsys):
    check = check_of("04_2")
    assert check(days_in_order, mark=True) is True
    capsys.readouterr()
    with pytest.raises(AssertionError,
                       match="^expected False, got True: not yet"):
        check(lambda *_: True, mark=True)
    assert capsys.readouterr().out == ""


def test_a_fault_of_the_check_itself_is_a_line_too(capsys):
    @exercise
    def check(answer):
        return say(1, answer + 1)
    assert check("text") is False
    assert "got TypeError: " in capsys.readouterr().out


def test_numbers_and_entries():
    assert one_number(np.array([2.0]))[1].why.startswith("this is an array")
    assert one_number("2")[1].why.endswith("without quotes")
    assert one_number(torch.tensor(2.0, requires_grad=True)) == (2.0, None)
    assert entries(np.array([1, 2]), "")[0] == [1, 2]
    assert entries((x for x in "ab"), "")[0] == ["a", "b"]
    assert entries({1}, "", ordered=False)[0] == [1]


def test_in_a_notebook_the_line_is_that_of_the_cell(capsys, tmp_path,
                                                    monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("a = 1\n\ndef cut_completion(text):\n"
                       "    kept = text['a']\n    return kept, 'stop'\n"
                       "from helpers.checks.notebook_02 import check_02_3")
        shell.run_cell("check_02_3(cut_completion);")
    finally:
        InteractiveShell.clear_instance()
    out = capsys.readouterr().out
    assert ("not yet, the call failed in line 4, `kept = text['a']`, of "
            "cut_completion('start = 3\\n") in out
    assert Path(limits.__file__).name not in out
