"""The exported quiz bank, read back by parsers that know nothing of ours."""

import html
import json
import re
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.__main__ import main
from helpers.checks import bank, quiz
from helpers.tools.course import LESSONS

NASTY = ("a = {b: 1}  # 50 % ~ of \\n", "%50% of them", "// a comment",
         "two\nlines, ::title:: and ->", "==", "back\\slash\\",
         "]]> <b>&amp; <!--", "`if a < b & c:` or `d[0] = '}'`",
         r"$\frac{a}{b} < 1$ & $k^{~2}$", "5 $ or 6 $, $7 or $8")


@pytest.fixture
def nasty(tmp_path, monkeypatch):
    """A lesson 98 whose texts hold every sign that means something to GIFT
    or to XML.
    """
    rows = [{"id": f"98-{i}", "question": f"Why {text}?", "cell": "98-cell",
             "exit": True, "options": [
                 {"text": text, "right": False, "why": f"no: {text}"},
                 {"text": f"not {text}", "right": True, "why": f"{text}!"}]}
            for i, text in enumerate(NASTY)]
    (tmp_path / "98.json").write_text(json.dumps(rows))
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=[
        new_markdown_cell("## 3. Title\n", id="a"),
        new_code_cell("## 4. code", id="98-cell")]),
        tmp_path / "notebooks" / "98_x.ipynb")
    monkeypatch.setattr(quiz, "BANK", tmp_path)
    monkeypatch.setattr(bank.place, "__defaults__", (tmp_path,))
    return quiz.questions("98")


def from_gift(text):
    """{id: (question, [(text, right, why)], remark)} of a GIFT file."""
    def plain(part):
        return re.sub(r"\\(.)", r"\1", part).strip()

    found = {}
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.startswith("$CATEGORY:"):
            continue
        block = re.sub(r"(?m)^//.*\n", "", block)
        free = r"(?:[^\\~=#{}:]|\\.)"           # or escaped
        name, question, body = re.fullmatch(
            rf"::({free}+)::\[plain\]({free}+)\{{\n((?:.|\n)+)\}}",
            block).groups()
        body, remark = body.split("####")
        options = re.findall(rf"([=~])(%0%)?({free}+)#({free}+)", body)
        assert "".join(map("".join, options)).count("\n") == len(options)
        found[plain(name)] = plain(question), [
            (plain(text), sign == "=", plain(why))
            for sign, _, text, why in options], plain(remark)
    return found


def from_text(text):
    """The same of the plain text."""
    asked, answers = re.split(r"(?m)^Answers to lesson \d+\n", text)
    found = {}
    for block in asked.strip().split("\n\n")[1:]:
        first, *options = block.splitlines()
        name, question = first.split("  ", 1)
        found[name] = [question, [one[5:] for one in options]]
    for block in answers.strip().split("\n\n"):
        first, *whys = block.splitlines()
        name, right, remark = re.fullmatch(r"(\S+)  (\w), (.+)",
                                           first).groups()
        question, texts = found[name]
        found[name] = question, [
            (text, "abcd"[i] == right, why[5:])
            for i, (text, why) in enumerate(zip(texts, whys, strict=True))
        ], f"See {remark}."
    return found


def from_xml(text):
    """The same of Moodle XML."""
    def plain(element):
        page = element.findtext("text")
        assert element.get("format") == "html"
        page = re.sub(r"</?pre>", "", re.sub(r"</?code>", "`", page))
        assert not re.search(r"<|>|&(?!(amp|lt|gt);)", page), page
        page = re.sub(r"\\\((.*?)\\\)", r"$\1$", page)
        return " ".join(html.unescape(page).split())

    found = {}
    category, *asked = ElementTree.fromstring(text.encode()).iter("question")
    assert category.get("type") == "category"
    for one in asked:
        assert (one.get("type"), one.findtext("single")) == (
            "multichoice", "true")
        found[one.findtext("name/text")] = plain(one.find("questiontext")), [
            (plain(answer), answer.get("fraction") == "100",
             plain(answer.find("feedback")))
            for answer in one.iter("answer")], plain(
                one.find("generalfeedback"))
    return found


def told(asked, number):
    """What all formats must hold of the questions."""
    def line(text):
        return " ".join(text.split())

    return {one.id: (line(one.question), [
        (line(option.text), option.right, line(option.why))
        for option in one.options], f"See {bank.place(number, one.cell)}.")
        for one in asked}


@pytest.mark.parametrize("form, read", [
    ("gift", from_gift), ("xml", from_xml), ("text", from_text)])
def test_the_bank_comes_back(form, read, tmp_path, capsys):
    assert bank.lessons() == [one.number for one in LESSONS]
    for number in bank.lessons():
        file = tmp_path / "bank"
        assert main(["quiz", number, "--format", form,
                     "--output", str(file)]) == 0
        assert read(file.read_text("utf-8")) == told(
            quiz.questions(number), number)
        assert capsys.readouterr().out == (
            f"written {file}: the questions to {number}\n")


@pytest.mark.parametrize("form, read", [
    ("gift", from_gift), ("xml", from_xml), ("text", from_text)])
def test_nothing_in_a_text_means_anything(form, read, nasty, capsys):
    assert bank.main(["--format", form]) == 0
    found = read(capsys.readouterr().out)
    assert found == told(nasty, "98")
    assert found["98-0"][2] == "See notebook 98, section 3."


@pytest.mark.parametrize("form", ["gift", "xml", "text"])
@pytest.mark.parametrize("data", ["mine", "<?xml version='1.0'?>\n<svg/>",
                                  "Lessons to learn"])
def test_nothing_of_others_is_written_over(form, data, tmp_path, capsys):
    file = tmp_path / "notes.txt"
    file.write_text(data)
    assert main(["quiz", "04", "--format", form, "--output", str(file)]) == 2
    assert "notes.txt is there already" in capsys.readouterr().err
    assert file.read_text() == data


def test_all_lessons_are_one_file_of_xml(capsys):
    assert bank.main(["--format", "xml"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("<?xml ")
    names = [one.findtext("name/text") or one.findtext("category/text")
             for one in ElementTree.fromstring(page.encode())]
    assert names == [name for number in bank.lessons() for name in (
        f"$course$/top/lesson {number}",
        *(one.id for one in quiz.questions(number)))]


def test_code_and_formulas_are_shown_as_such(nasty, capsys):
    rows = json.loads((quiz.BANK / "98.json").read_text())
    rows[0]["question"] = "`for a in b:\n    c`\x07, $a < b$, `d`"
    (quiz.BANK / "98.json").write_text(json.dumps(rows))
    assert bank.main(["--format", "xml"]) == 0
    first = ElementTree.fromstring(capsys.readouterr().out.encode())[1]
    assert first.findtext("questiontext/text") == (
        "<pre><code>for a in b:\n    c</code></pre>\ufffd, "
        r"\(a &lt; b\), <code>d</code>")


@pytest.mark.parametrize("change, sentence", [
    (lambda rows: rows[0].pop("cell"), "no list of questions"),
    (lambda rows: rows[0]["options"][0].update(hint=1), "no list of quest"),
    (lambda rows: rows[0]["options"].pop(), "1 options, and not 2 to 4"),
    (lambda rows: rows[0]["options"][0].update(right=True), "not one option"),
    (lambda rows: rows[1].update(id="98-0"), "the id of another question"),
    (lambda rows: rows[0].update(question=" "), "a text that is empty"),
    (lambda rows: rows.clear(), "there is none in it"),
    (lambda rows: rows[0].update(cell="gone"), "none of that id")])
def test_a_bank_with_a_mistake_is_refused(change, sentence, nasty, capsys):
    path = quiz.BANK / "98.json"
    rows = json.loads(path.read_text())
    change(rows)
    path.write_text(json.dumps(rows))
    assert bank.main() == 2
    assert sentence in capsys.readouterr().err


def test_a_damaged_notebook_is_named(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "98_a.ipynb").write_text('{"cells": 1}')
    with pytest.raises(ValueError, match="98_a.ipynb is no notebook"):
        bank.place("98", "any", tmp_path)


def test_a_lesson_without_questions_is_named(nasty, capsys):
    assert bank.main(["97"]) == 2
    assert "no questions to 97; data/quiz/ has 98" in capsys.readouterr().err
