"""Every text of the pages has its Chinese; templates carry no script and no style of their own."""

from __future__ import annotations

import ast
import json
import re
from functools import partial
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from vasari.app.web import rendering, texts
from vasari.app.web.changes import measures
from vasari.app.web.rendering import NAVIGATION
from vasari.app.web.texts import Texts, language_of
from vasari.app.web.wording import FIGURES, decade, figure, measure
from vasari.archive.workbench.audit import EVENTS
from vasari.archive.workbench.roles import GIVEN
from vasari.models import hub
from vasari.tasks.restore.likeness_words import Likeness, stage_of

WEB = Path(texts.__file__).parent
TEMPLATES = sorted(rendering.FOLDER.rglob("*.html"))
MODULES = sorted(WEB.rglob("*.py"))
TABLES = sorted(texts.FOLDER.glob("*/*.json"))


def _id(path: Path) -> str:
    return path.relative_to(WEB).as_posix()


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _said(path: Path) -> set[str]:
    """Texts that a module says by `say(request, "...")`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "say" and len(call.args) > 1]
    return {one.args[1].value for one in named if isinstance(one.args[1], ast.Constant)}


@pytest.mark.parametrize("path", TEMPLATES, ids=_id)
def test_every_text_of_a_template_has_its_chinese(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    found = {text for _, _, text in extract_from_ast(Environment().parse(source), ("_",)) if isinstance(text, str)}
    chinese = Texts.read().tables["zh"]
    assert not sorted(found - chinese.keys())


def test_texts_beside_templates_have_their_chinese() -> None:
    found = (
        {text for _, text in NAVIGATION} | set(EVENTS) | set(GIVEN) | {text for path in MODULES for text in _said(path)}
    )
    assert not sorted(found - Texts.read().tables["zh"].keys())


def test_measures_and_decades_have_their_chinese() -> None:
    say = partial(Texts.read().say, "zh")
    for column in measures():
        assert re.search("[\u4e00-\u9fff]", measure(say, column.name)), column.name
        assert re.search("[\u4e00-\u9fff]", say(column.meaning)), column.meaning
    assert [decade(say, one) for one in ("1880s", "-51/-42", "-1/9")] == [
        "1880 年代", "公元前 51 至 42 年", "公元前 1 年至 9 年"
    ]  # fmt: skip
    assert [decade(partial(Texts.read().say, "en"), one) for one in ("1880s", "-51/-42")] == ["1880s", "51 to 42 BC"]


def test_figures_of_models_have_their_chinese() -> None:
    """Every name in the cards of the bundled models but sentences of their own, which stay as they were measured."""
    say = partial(Texts.read().say, "zh")
    assert all(re.search("[\u4e00-\u9fff]", say(words)) for words in FIGURES.values())
    assert [figure(say, one) for one in ("psnr_10_20", "explained2", "recall", "psnr x")] == [
        "峰值信噪比（dB），空洞占 10 至 20 %", "解释比例，第 2 层", "召回率", "psnr x"
    ]  # fmt: skip
    for name in hub.bundled():
        for what, value in hub.read_recipe(name).get("metrics", {}).items():
            names = [what, *value] if isinstance(value, dict) else [what]
            assert all(" " in one or figure(say, one) != one for one in names), names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("'foo' is no field of a work.\n  foo=3\n  ^", "作品没有字段 'foo'。\n  foo=3\n  ^"),
        ("There is no work 33 with a picture.", "没有带图片的作品 33。"),
        ("There is no such page.", "没有这个页面。"),
        (
            "No period of 10 years has 10 artists; the most is 9.3.",
            "没有任何 10 年的时段有 10 位艺术家；最多为 9.3 位。",
        ),
        ("draws=3 is below 20.", "draws=3 小于 20。"),
        ("Hints are for one picture, and 2 were named.", "颜色提示只用于一张图片，而给出了 2 张。"),
        ("Hints are for one picture, and a.tif has 2 pages.", "颜色提示只用于一张图片，而 a.tif 有 2 页。"),
        (
            "The hints h.png (512×300) have other proportions than the picture (640×480).",
            "提示 h.png（512×300）与图片（640×480）的长宽比不同。",
        ),
        ("The hint at 9,1.5 is outside the picture of 8×8 pixels.", "位于 9,1.5 的提示在 8×8 像素的图片之外。"),
        ("Something {odd} that nobody foresaw.", "Something {odd} that nobody foresaw."),
        ("There is no work {0.__class__}.", "没有作品 {0.__class__}。"),
    ],
)
def test_what_failures_say_has_its_chinese(text: str, words: str) -> None:
    texts = Texts.read()
    assert texts.told("zh", text) == words
    assert texts.told("en", text) == text


@pytest.mark.parametrize("faces", [0, 1, 3])
@pytest.mark.parametrize("last", [0.01, 0.05])
@pytest.mark.parametrize("level", [0.0, 0.25, 0.5])
def test_what_is_said_of_faces_has_its_chinese(faces: int, last: float, level: float) -> None:
    """Every sentence there is, of one that moved and of several, whole and with all its figures."""
    others = max(0, faces - 1)
    apart, levels = (last,) * min(1, faces) + (0.02,) * others, (level,) * min(1, faces) + (0.5,) * others
    english = stage_of(Likeness(0.03, 0.5, (0.07,) * faces, apart, levels).to_numbers()).did
    chinese = Texts.read().told("zh", english)
    figures = re.compile(r"\d+(?:\.\d+)?")
    assert not re.search("[a-z;]", chinese), chinese
    assert sorted(figures.findall(chinese)) == sorted(figures.findall(english)), chinese
    assert Texts.read().told("en", english) == english


def test_a_failure_within_a_failure_is_told_too_and_a_name_is_not() -> None:
    told = Texts.read().told
    assert told("zh", "The fields are not understood: Nothing was said..") == "设置无法理解：没有填写内容。。"
    assert told("zh", "There is no file Time.") == "没有文件 Time。"
    assert told("zh", "There is no file old faces.") == "没有文件 old faces。"  # no count of faces


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_failure_that_has_other_words_is_still_said(language: str) -> None:
    """Their English stands in the code that fails, too: where that is put otherwise, the page would fall back to it."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in WEB.parents[1].rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # a text over several lines
    sentences = json.loads((texts.FOLDER / language / "failures.json").read_text(encoding="utf-8"))
    pieces = {one: max(re.split(r"\{\w+\}", one.removeprefix("There is no ")), key=len) for one in sentences}
    assert not [sentence for sentence, piece in pieces.items() if piece.strip(" .:,…") not in code]


@pytest.mark.parametrize("path", TABLES, ids=_id)
def test_translations_fill_in_the_same(path: Path) -> None:
    table = json.loads(path.read_text(encoding="utf-8"))
    assert not [
        text for text, words in table.items() if _placeholders(text) != _placeholders(words) or not words.strip()
    ]


def test_tables_do_not_contradict_one_another() -> None:
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for path in TABLES:
        for text, words in json.loads(path.read_text(encoding="utf-8")).items():
            name, before = seen.setdefault((path.parent.name, text), (path.name, words))
            assert before == words, f"{text!r}: {name} and {path.name} differ"


INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|\bhx-on|js:", re.IGNORECASE)
UNESCAPED = re.compile(r"\|\s*safe\b|Markup\(|autoescape\s+false")


@pytest.mark.parametrize("path", TEMPLATES, ids=_id)
def test_no_template_has_scripts_styles_or_unescaped_values(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not UNESCAPED.findall(source)
    markup = re.sub(r"\{[#%].*?[#%]\}", "", source, flags=re.DOTALL)
    assert not INLINE.findall(markup)
    assert not re.findall(r"(?:src|href|action)=\"https?://", markup), "asks another server"


@pytest.mark.parametrize("path", TEMPLATES, ids=_id)
def test_every_form_that_changes_something_carries_the_token(path: Path) -> None:
    forms = re.findall(r"<form\b.*?</form>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    posts = [form for form in forms if re.search(r"method=\"post\"", form, re.IGNORECASE)]
    assert all('name="csrf"' in form for form in posts)


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("", "", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"), ("en-GB,zh;q=0.5", "", "en"), ("de,fr", "", "en"),
        ("de,zh;q=0.3,en;q=0.2", "", "zh"), ("zh", "en", "en"), ("en", "zh", "zh"), ("zh;q=0", "", "en"),
        ("zh;q=nonsense", "klingon", "en"), ("*;q=1", "", "en"),
    ],
)  # fmt: skip
def test_the_language_of_a_visitor(accepted: str, chosen: str, language: str) -> None:
    assert language_of(accepted, chosen, "en") == language
