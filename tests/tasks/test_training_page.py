"""The page of a run: whole, valid, without outside requests, made from the folder alone; and its charts."""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vasari.foundation.errors import TrainingError
from vasari.foundation.runs import RunFolder
from vasari.tasks import training_page
from vasari.tasks.line_charts import Chart, Scale, figure, round_values, thinned
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import train
from vasari.tasks.training_page import curves_of, events_of, page

PROGRAM = Path(__file__).parent / "troubled_objectives.py"
VOID = {"meta", "img", "br", "path"}


class Reader(HTMLParser):
    """Reads a page, and fails where a tag is left open or closed twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or (tag == "path" and self.get_starttag_text()[-2:] != "/>"):  # type: ignore[index]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def troubled() -> ModuleType:
    spec = importlib.util.spec_from_file_location("troubled_objectives", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["troubled_objectives"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(troubled: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose generator collapses, is rolled back, and collapses again."""
    objective = troubled.Collapsing(640)
    folder = RunFolder(tmp_path_factory.mktemp("page") / "run", {"name": "ring <8>", "kind": "toy"})
    plan = TrainPlan(
        images=1280,
        batch=16,
        log_every_steps=5,
        learning_rate=2e-3,
        betas=(0.5, 0.99),
        precision="float32",
        validate_every_images=320,
        trouble_patience_steps=10,
        adversary_judged_after_images=700,
        on_trouble="roll-back",
        divergence_times=1e9,
        critic_wins_balance=1.0,
        most_roll_backs=2,
    )
    objective.told = ("300 pictures from <paintings>: 280 in color, 20 grey.",)
    with pytest.raises(TrainingError, match="came again"):
        train(objective, plan, folder)
    return folder


def test_the_page_is_written_and_holds_what_it_must(run: RunFolder) -> None:
    text = (run.path / "report.html").read_text(encoding="utf-8")
    reader = read(text)
    headings = ("Troubles", "Stability", "Losses", "Validation", "Nearest training pictures", "Samples over time")
    for words in (*headings, "Data", "Recipe", "ring <8>", "300 pictures from <paintings>"):
        assert words in reader.text
    charts = ("Gradient norms before clipping", "Learning rate", "Balance of the critic", "Diversity", "critic.total")
    for words in (*charts, "Coverage, precision and recall", "Nearest training picture", "generator.adversarial"):
        assert words in reader.text
    for words in ("mode collapse", "made pictures differ by", "roll-back", "of the rate", "roll_back_rate = 0.5"):
        assert words in reader.text
    assert "prefers-color-scheme:dark" in text and 'class="given-up"' in text
    assert text.startswith("<!doctype html>") and ("html", {"lang": "en"}) in reader.tags


def test_the_page_asks_nothing_of_the_network_and_its_pictures_are_there(run: RunFolder) -> None:
    text = page(run)
    reader = read(text)
    assert "script" not in {tag for tag, _ in reader.tags} and "link" not in {tag for tag, _ in reader.tags}
    links = [values[name] for _, values in reader.tags for name in ("src", "href") if values.get(name)]
    assert links and all((run.path / str(link)).is_file() for link in links)
    assert not re.search(r"https?:|url\(|@import", text)
    assert all(values.get("alt") for tag, values in reader.tags if tag == "img")
    assert all(values.get("aria-label") for tag, values in reader.tags if tag == "svg")


def test_the_page_can_be_made_again_from_the_folder_alone(run: RunFolder, tmp_path: Path) -> None:
    assert page(RunFolder(run.path)) == page(run)
    empty = read(page(RunFolder(tmp_path)))
    assert "Nothing has been logged yet" in empty.text and "None was seen" in empty.text


def test_events_and_curves_of_a_try_that_was_given_up_are_kept_apart(run: RunFolder) -> None:
    lines = run.read_log()
    told = [one["event"] for one in events_of(lines)]
    assert told[:2] == ["trouble", "roll-back"]
    seen = [x for x, _ in curves_of(lines)["critic.total"]]
    assert seen == sorted(set(seen))
    assert "seconds" not in curves_of(lines) and "validation/diversity" in curves_of(lines)


def test_few_of_many_grids_are_shown_with_the_first_and_the_last(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for images_seen in range(0, 30_000, 1000):
        run.write_picture(f"{images_seen:09d}-a & b", np.zeros((2, 2, 3), np.uint8))
    sources = [values["src"] for tag, values in read(page(run)).tags if tag == "img"]
    assert len(sources) == training_page.GRIDS_SHOWN and len(set(sources)) == len(sources)
    assert sources[0] == "pictures/000000000-a%20%26%20b.png" and "000029000" in str(sources[-1])


def test_a_page_that_cannot_be_written_stops_no_training(
    troubled: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "report.html" / "taken").mkdir(parents=True)
    plan = TrainPlan(images=8, batch=4, precision="float32")
    assert train(troubled.Regression(), plan, RunFolder(tmp_path / "run"))["finished"]
    assert "report.html could not be written" in capsys.readouterr().err


def test_values_that_are_not_finite_leave_a_gap_and_text_is_escaped(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for images_seen, value in ((4, 1.0), (8, math.nan), (12, math.inf), (16, 2.0)):
        run.log({"images_seen": images_seen, "step": images_seen, "a.<b>": value, "a.nan": math.nan})
    reader = read(page(run))
    assert "a.<b>" in reader.text and "No finite values yet" in reader.text
    lines = [str(values["d"]) for tag, values in reader.tags if tag == "path" and values.get("class") == "line-0"]
    assert len(lines) == 1 and lines[0].count("L") == 1 and "nan" not in lines[0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 9600, [0, 2000, 4000, 6000, 8000]), (-0.3, 0.42, [-0.2, 0.0, 0.2, 0.4])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert round_values(low, high) == pytest.approx(expected)
    assert round_values(3.0, 3.0) == [3.0]


@pytest.mark.parametrize("high", [1e-6, 0.37, 1.0, 7.3, 99.0, 1e9])
def test_there_are_some_ticks_and_not_too_many(high: float) -> None:
    assert 3 <= len(round_values(0.0, high)) <= 7


def test_scales_place_values_along_their_axis() -> None:
    even, logarithmic = Scale(0.0, 10.0, 100.0, 200.0), Scale(1e-2, 1e2, 200.0, 100.0, logarithmic=True)
    assert [even.place(value) for value in (0, 5, 10, 99)] == [100.0, 150.0, 200.0, 200.0]
    assert [logarithmic.place(value) for value in (1e-2, 1.0, 1e2, 0.0)] == [200.0, 150.0, 100.0, 200.0]
    assert logarithmic.ticks() == pytest.approx([1e-2, 1e-1, 1.0, 10.0, 100.0])


def test_many_points_are_averaged_and_few_are_kept() -> None:
    points = [(float(x), float(x % 2)) for x in range(1000)]
    few = thinned(points, 100)
    assert len(few) == 100 and {y for _, y in few} == {0.5}
    assert sum(x for x, _ in few) / 100 == pytest.approx(499.5)
    assert thinned(points[:7]) == points[:7]


def test_a_chart_of_one_point_or_of_one_value_can_be_drawn() -> None:
    for points in ([(5.0, 3.0)], [(0.0, 3.0), (9.0, 3.0)], [(0.0, 0.0)]):
        reader = read(figure(Chart("one", {"value": points})))
        lines = [values for tag, values in reader.tags if tag == "path" and values.get("class") == "line-0"]
        (drawn,) = [str(values["d"]) for values in lines]
        assert "nan" not in drawn and drawn.startswith("M")
