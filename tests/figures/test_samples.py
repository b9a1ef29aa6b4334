"""Samples side by side: what is marked, hidden, in order, and safe."""

import re
from html.parser import HTMLParser

import pytest
from IPython.core.formatters import DisplayFormatter

from contrast import hard_to_read
from helpers.execution import Verdict
from helpers.figures.samples import Samples, show_samples
from helpers.plans import Plan
from helpers.problems import Problem
from helpers.sampling import Sample

PROBLEM = Problem("mine/0", "Ann has $5, Bob has $7 more. <b>Both?",
                  answer="17")
CODES = ["a = 5\nb = 7\nanswer = a + b\n",
         "a = 5\nb = a + 7\nanswer = a + b\n",
         "a = 5\nanswer = 17\n"]
VERDICTS = [Verdict("wrong", 12), Verdict("passed", 17),
            Verdict("error", None, "NameError: c")]


def records(codes, first=4):
    return [Sample("mine/0", first + at, 0, 0.6, 0.95, 64, code, "stop", "m",
                   "h") for at, code in enumerate(codes)]


class Page(HTMLParser):
    """The tags of a page, its cards' text, and what it hides by itself."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.text += data


def test_text_has_the_verdict_first_and_marks_what_differs(capsys):
    show_samples(PROBLEM, records(CODES), VERDICTS)
    assert capsys.readouterr().out.splitlines() == [
        "mine/0", "Ann has $5, Bob has $7 more. <b>Both?",
        "Expected answer: 17",
        "(3 samples; ≠ marks lines that are not in sample 5)",
        "", "✓ sample 5: passed, answer 17",
        "    a = 5", "    b = a + 7", "    answer = a + b",
        "", "✗ sample 4: wrong, answer 12",
        "    a = 5", "  ≠ b = 7", "    answer = a + b",
        "", "✗ sample 6: error, NameError: c",
        "    a = 5", "  ≠ answer = 17", "  (1 line of sample 5 missing)"]


def test_a_notebook_gets_cards_that_sort_and_filter_by_css_alone():
    output, _ = DisplayFormatter().format(
        Samples(PROBLEM, records(CODES), VERDICTS))
    page = Page(output["text/html"])
    assert output["text/plain"] == repr(
        Samples(PROBLEM, records(CODES), VERDICTS))
    assert "script" not in page.tags and "http" not in output["text/html"]
    assert page.tags.count("form") == 1 and page.tags.count("input") == 5
    # No id, no target: any number of them can stand on one page.
    names = {name for _, name, _ in page.attributes}
    assert not names & {"id", "for", "action", "onclick", "onsubmit"}
    cards = re.findall(r'class="sample-card (sample-\w+)"[^>]*'
                       r'--by-verdict:(\d); --by-index:(\d)',
                       output["text/html"])
    assert cards == [("sample-passed", "0", "1"), ("sample-failed", "1", "0"),
                     ("sample-failed", "2", "2")]
    for group in ("all (3)", "passed (1)", "not passed (2)"):
        assert group in page.text
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", output["text/html"]) == [
        "≠ b = 7", "≠ answer = 17"]
    assert hard_to_read(output["text/html"]) == []
    # Nothing asks for more than 900 pixels, or for more than a phone has.
    assert {int(w) for w in re.findall(r"width:(\d+)px", page_styles(page))
            } <= {900} and "min(100%," in output["text/html"]


def page_styles(page):
    return " ".join(value for _, name, value in page.attributes
                    if name == "style")


HOSTILE = ("</pre></script><script>alert(1)</script>", "<img src=x onerror=a>",
           "\x1b[31mred\x1b]0;title\x07", "\u202e reversed", "</form></div>",
           "<!--", "&lt;b&gt;", "\udc80", '" onmouseover="x', "]]>\x00")


def test_hostile_completions_are_shown_and_do_nothing():
    plain = Page(Samples("?", ["x"] * 6, ["wrong"] * 6).page())
    for kind in ("samples", "question", "plans", "verdicts"):
        given = {"problem": "?", "samples": ["x"] * 6, "plans": None,
                 "verdicts": ["wrong"] * 6}
        for at in (0, 5):
            texts = list(HOSTILE[at:at + 6])[:6]
            texts += ["x"] * (6 - len(texts))
            if kind == "question":
                given["problem"] = "\n".join(texts)
            elif kind == "verdicts":
                given["verdicts"] = [Verdict("error", text, text)
                                     for text in texts]
            else:
                given[kind] = texts
            shown = Samples(**given)
            page = Page(shown.page())
            assert set(page.tags) <= set(plain.tags) | {"mark"}
            assert not any(name.startswith("on") or name == "src"
                           for _, name, _ in page.attributes)
            for text in (shown.page(), repr(shown)):
                text.encode()                   # can be saved
                assert not set("\x1b\x07\x00\u202e\udc80") & set(text)
    assert "<script>alert(1)</script>" in Page(Samples(
        "?", HOSTILE).page()).text


def test_both_kinds_are_seen_and_no_more_than_the_limit():
    codes = [f"answer = {at}" for at in range(40)]
    verdicts = ["wrong"] * 30 + ["passed"] * 10
    shown = Samples(PROBLEM, codes, verdicts, limit=6)
    assert [card.number for card in shown.cards] == [30, 31, 32, 0, 1, 2]
    assert "6 of 40 samples" in repr(shown)
    one_kind = Samples(PROBLEM, codes, ["wrong"] * 40, limit=6)
    assert [card.number for card in one_kind.cards] == [0, 1, 2, 3, 4, 5]
    assert one_kind.first == 0


def test_plans_stand_above_their_programs():
    plans = [Plan("mine/0", "forward", -1, 0, "1. Add 7.\n"),
             "1. Add 7.\n2. Sum.", None]
    shown = Samples(PROBLEM, CODES, VERDICTS, plans)
    assert [card.plan for card in shown.cards] == [
        [(False, "1. Add 7."), (False, "2. Sum.")], [(False, "1. Add 7.")],
        []]
    text = repr(shown)
    assert text.index("plan:") < text.index("2. Sum.") < text.index("program:")
    assert shown.page().count(">program<") == 2


def test_without_verdicts_nothing_is_claimed_or_sorted():
    shown = Samples("Double x.", CODES)
    assert "radio" not in shown.page() and "passed" not in repr(shown)
    assert "✗" not in repr(shown) and "≠ marks lines" in repr(shown)
    assert "0 samples" in repr(Samples("Double x.", [], []))
    same = [Samples(PROBLEM, CODES, VERDICTS).page() for _ in range(2)]
    assert same[0] == same[1]


def test_a_verdict_may_be_a_status_or_yes_or_no():
    assert [card.verdict for card in Samples(
        PROBLEM, CODES, iter([True, "timeout", False])).cards] == [
        "passed", "timeout", "not passed"]


def test_very_long_completions_are_cut_and_say_so():
    shown = Samples("?", ["x = 1\n" * 500 + "y" * 10 ** 6])
    assert len(shown.page()) < 10_000 and "(441 more lines)" in repr(shown)


@pytest.mark.parametrize("how", [
    {"verdicts": VERDICTS[:2]}, {"plans": ["1."] * 4}, {"limit": 0}])
def test_what_does_not_fit_is_refused_in_a_sentence(how):
    with pytest.raises(ValueError, match="3 samples need|at least 1"):
        Samples(PROBLEM, CODES, **how)


@pytest.mark.parametrize("how, says", [
    ({"samples": None}, "samples come as a list"),
    ({"verdicts": 3}, "verdicts come as a list"),
    ({"plans": 3}, "plans come as a list"),
    ({"limit": "2"}, "limit is a whole number")])
def test_what_is_no_list_is_told(how, says):
    with pytest.raises(ValueError, match=says):
        Samples(**{"problem": PROBLEM, "samples": CODES, **how})
