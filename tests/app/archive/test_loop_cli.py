"""The loop closed on the command line: an archive becomes a style, a date, a recognizer and a figure."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from vasari.app.cli.main import main
from vasari.archive.schema import STATEMENTS, WORKS
from vasari.archive.store import Archive

WORKS_MADE = 36


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive of small pictures, dark ones of 1800 and light ones of 1850, by twelve artists, measured."""
    folder = tmp_path_factory.mktemp("loop")
    rng = np.random.default_rng(0)
    pictures = folder / "pictures"
    pictures.mkdir()
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "title", "artist", "date", "style"])
        for row in range(WORKS_MADE):
            late = row % 2
            pixels = np.clip(rng.normal(200 if late else 60, 25, (48, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(pictures / f"{row}.png")
            style = "light" if late else "dark"
            table.writerow([f"{row}.png", f"No. {row}", f"Artist {row % 12}", 1850 + row % 3 if late else 1800, style])
    place = folder / "archive"
    assert main(["archive", "init", str(place)]) == 0
    assert main(["archive", "add", str(pictures), "--metadata", str(folder / "index.csv"), "-a", str(place)]) == 0
    assert main(["archive", "index", "-a", str(place)]) == 0
    return place


@pytest.fixture
def photograph(tmp_path):
    ramp = np.linspace(0, 255, 96 * 128 * 3).reshape(96, 128, 3).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "photograph.png")
    return tmp_path / "photograph.png"


def test_a_picture_in_the_style_of_a_query_cites_its_works(archive, photograph, tmp_path, capsys):
    asked = ["stylize", str(photograph), "-o", str(tmp_path / "out"), "--style-of", "style='light'", "-a", str(archive)]
    assert main([*asked, "--passes", "1"]) == 0
    record = json.loads((tmp_path / "out" / "photograph.treatment.json").read_text())
    words = json.dumps(record)
    assert "mean of 18 works by 6 artists" in words
    assert "Artist 1, No. 1, 1851" in words
    assert (
        main(["stylize", "--replay", str(tmp_path / "out" / "photograph.treatment.json"), "-o", str(tmp_path / "two")])
        == 0
    )
    again = next((tmp_path / "two").glob("*.png")).read_bytes()
    assert again == (tmp_path / "out" / "photograph.png").read_bytes()


def test_a_walk_makes_a_folder_for_each_year(archive, photograph, tmp_path):
    asked = ["stylize", str(photograph), "-o", str(tmp_path / "walk"), "-a", str(archive), "--passes", "1"]
    walk = ["--from-year", "1800", "--to-year", "1850", "--steps", "2", "--window-years", "10"]
    assert main([*asked, *walk]) == 0
    made = {path.parent.name: path.read_bytes() for path in (tmp_path / "walk").glob("*/photograph.png")}
    assert set(made) == {"1800", "1850"}
    assert made["1800"] != made["1850"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from-year", "1800"], "needs two years"),
        (["--from-year", "1800", "--to-year", "1800"], "no walk"),
        (["--from-year", "1800", "--to-year", "1850", "--style", "munch-scream"], "from the archive alone"),
        (["--from-year", "1300", "--to-year", "1850"], "no style of 1300"),
        (["--style-of", "artist='Nobody'"], "finds no works"),
        (["--style-of", ":0.5"], "holds no query"),
        (["--style-of", "style='light':0"], "not above 0"),
    ],
)
def test_what_makes_no_style_is_refused_before_anything_is_written(
    archive, photograph, tmp_path, capsys, options, words
):
    assert main(["stylize", str(photograph), "-o", str(tmp_path / "out"), "-a", str(archive), *options]) in (1, 2)
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def _said(archive):
    with Archive.open(archive) as opened, opened.reading() as connection:
        return opened.fact("journal"), sorted(map(tuple, connection.execute(select(STATEMENTS))))


def test_a_scan_gets_a_likelihood_and_the_archive_no_date(archive, photograph, tmp_path, capsys):
    before = _said(archive)
    asked = ["archive", "date", str(photograph), "-a", str(archive), "--by", "color", "-o", str(tmp_path / "when.svg")]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(told["likelihood"]) == pytest.approx(1, abs=1e-3)
    assert told["evidence"][0]["artist"].startswith("Artist")
    assert _said(archive) == before
    assert b"When may photograph.png" in (tmp_path / "when.svg").read_bytes()
    assert main(asked) == 1  # the figure is there already
    assert main(["archive", "date", str(photograph), "-a", str(archive), "-o", str(tmp_path / "when.pdf")]) == 2


def test_a_recognizer_of_the_archive_speaks_beside_what_is_known(archive, tmp_path, capsys):
    model = tmp_path / "styles.safetensors"
    train = ["archive", "recognize", "train", "--field", "style", "-o", str(model), "-a", str(archive), "--px", "64"]
    assert main([*train, "--group-by", "none"]) == 0
    capsys.readouterr()
    asked = ["archive", "recognize", "--model", str(model), "--field", "genre", "-a", str(archive), "--json"]
    for _ in range(2):
        assert main(asked) == 0
        answers = json.loads(capsys.readouterr().out)["answers"]
    assert sum(answers.values()) == WORKS_MADE
    with Archive.open(archive) as opened, opened.reading() as connection:
        said = connection.execute(
            select(STATEMENTS.c.value, STATEMENTS.c.confidence, STATEMENTS.c.by, WORKS.c.id)
            .join(WORKS, WORKS.c.id == STATEMENTS.c.work_id)
            .where(STATEMENTS.c.kind == "model")
        ).all()
    assert len(said) == WORKS_MADE - answers.get("unknown", 0)  # said once, however often it ran
    assert all(0 < row.confidence <= 1 and row.by.startswith("styles.safetensors ") for row in said)
    assert main(["archive", "list", "genre = 'light'", "-a", str(archive), "--json"]) == 0
    assert "No. 1" not in capsys.readouterr().out  # a model's word is not taken for knowledge


def test_trends_of_an_archive_end_in_a_folder(archive, tmp_path, capsys):
    asked = ["archive", "trends", "lightness_mean", "-a", str(archive), "-o", str(tmp_path / "figure"), "--draws", "20"]
    options = ["--min-artists", "3", "--permutations", "19", "--period-years", "50", "--window-years", "50"]
    assert main([*asked, *options]) == 0
    out = capsys.readouterr().out
    assert "36 works by 12 artists" in out
    assert (tmp_path / "figure" / "figure.html").exists()
    assert main([*asked, *options]) == 1  # not written over
    assert main(["archive", "trends", "--shares", "style", "-a", str(archive), *options[:2], "--draws", "20"]) == 0
    assert "dark" in capsys.readouterr().out
    assert main(["archive", "trends", "--shares", "style", "-a", str(archive), "--min-artists", "13"]) == 0
    assert "dark: no year has enough artists" in capsys.readouterr().out
