"""The commands that measure and find: index, list, search, facets, map."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vasari.app.cli.main import main
from vasari.archive.schema import FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.foundation import image_files
from vasari.foundation.errors import ExitCode
from vasari.foundation.picture import Picture

COLORS = {"red": (0.9, 0.1, 0.1), "dark red": (0.6, 0.1, 0.1), "blue": (0.1, 0.1, 0.9), "green": (0.1, 0.8, 0.1)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of four pictures of one color each, measured by the command itself."""
    place = tmp_path_factory.mktemp("finding")
    with Archive.create(place / "archive") as archive, archive.writing() as writer:
        ids = works_of(writer, list(COLORS))
        for number, (name, color) in enumerate(COLORS.items()):
            path = place / f"{name}.png"
            noise = np.random.default_rng(number).normal(0, 0.02, (40, 50, 3))
            image_files.write(Picture.from_array((np.array(color) + noise).clip(0, 1).astype(np.float32)), path)
            claims = [
                Claim("title", f"A {name} </script> field"),
                Claim("artist", "Mark Rothko" if "red" in name else "Yves Klein"),
                Claim("date", str(1950 + 6 * number)),
            ]
            state(writer, {ids[name]: claims}, Speaker("catalog", "test"))
            writer.add(FILES, [_row(ids[name], path)])
    assert main(["archive", "index", "--archive", str(place / "archive"), "--features", "palette"]) == ExitCode.DONE
    return place


def _row(work: int, path: Path) -> dict[str, object]:
    status = path.stat()
    return {
        "work_id": work, "path": str(path), "page": 0, "content": path.stem, "sha256": path.stem,
        "bytes": status.st_size, "modified_ns": status.st_mtime_ns, "width": 50, "height": 40, "format": "png",
        "depth": 8, "phash": None, "copied": False, "state": "present", "added": "", "checked": "",
    }  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], made: Path, *words: str) -> dict:
    capsys.readouterr()
    assert main(["archive", *words, "--archive", str(made / "archive"), "--json"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


def keys(values: dict) -> list[str]:
    return [work["key"] for work in values["works"]]


def test_list_goes_page_by_page(made, capsys):
    first = told(capsys, made, "list", "1950/1962", "--sort", "date", "--limit", "2")
    assert (keys(first), first["total"]) == (["red", "dark red"], 3)
    second = told(capsys, made, "list", "1950/1962", "--sort", "date", "--limit", "2", "--cursor", first["cursor"])
    assert (keys(second), second["cursor"]) == (["blue"], None)


def test_search_by_words_and_by_likeness(made, capsys, tmp_path):
    assert keys(told(capsys, made, "search", "DARK", "field")) == ["dark red"]
    assert keys(told(capsys, made, "search", "field", "--query", "artist = Klein")) == ["blue", "green"]
    alike = told(capsys, made, "search", "--similar", "red", "--by", "palette", "--limit", "1")
    assert keys(alike) == ["dark red"]
    own = told(capsys, made, "search", "--similar", str(made / "red.png"), "--by", "palette", "--limit", "1")
    assert own["works"] == alike["works"]
    outside = shutil.copy(made / "red.png", tmp_path / "outside.png")
    by_file = told(capsys, made, "search", "--similar", str(outside), "--by", "palette", "--limit", "2")
    assert keys(by_file) == ["red", "dark red"]
    assert by_file["works"][0]["distance"] == pytest.approx(0, abs=1e-6)
    assert by_file["works"][1]["distance"] == pytest.approx(alike["works"][0]["distance"], rel=1e-5)


def test_facets_count(made, capsys):
    found = told(capsys, made, "facets", "before 1968", "--fields", "artist", "decade")
    assert [(one["value"], one["works"]) for one in found["artist"]] == [("Mark Rothko", 2), ("Yves Klein", 1)]
    assert [(one["value"], one["works"]) for one in found["decade"]] == [("1950s", 2), ("1960s", 1)]


def test_people_read_lines(made, capsys):
    assert main(["archive", "list", "-a", str(made / "archive"), "artist = Rothko"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "Mark Rothko" in out and out.endswith("2 works\n")
    assert main(["archive", "facets", "-a", str(made / "archive")]) == ExitCode.DONE
    assert "Yves Klein" in capsys.readouterr().out
    assert main(["archive", "search", "-a", str(made / "archive"), "--similar", "red", "--by", "palette"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[1:3] == ["dark", "red"]


def test_a_map_is_one_page_with_its_pictures_inside(made, capsys, tmp_path):
    page = tmp_path / "map.html"
    words = ("map", "-o", str(page), "--by", "palette", "--thumbnails", "3")
    assert told(capsys, made, *words)["works"] == 4
    html, plain = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    assert "http" not in html.replace("http-equiv", "")
    assert html.count("</script>") == 1  # a title cannot end the script
    inside = json.loads(html.split("const drawn = ", 1)[1].split(";\n", 1)[0])
    assert [work["key"] for work in inside["works"]] == [work["key"] for work in plain["works"]] == list(COLORS)
    assert [bool(work.get("thumbnail")) for work in inside["works"]] == [True, True, True, False]
    places = {work["key"]: np.array([work["x"], work["y"]]) for work in plain["works"]}
    gaps = {key: np.linalg.norm(places[key] - places["red"]) for key in COLORS if key != "red"}
    assert min(gaps, key=gaps.get) == "dark red"


def test_index_again_has_nothing_to_do(made, capsys):
    assert told(capsys, made, "index", "--features", "palette") == {"measured": 0, "failures": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "artst = x"), "did you mean artist"),
        (("search",), "Either words or --similar"),
        (("search", "x", "--similar", "red"), "Either words or --similar"),
        (("search", "..."), "no word"),
        (("search", "--similar", "red", "--by", "smell"), "overall, palette, texture"),
        (("facets", "--fields", "smell"), "not counted"),
        (("map", "-o", "map.txt"), "end in .html"),
        (("map", "-o", "map.html", "--by", "palette", "--query", "key = red"), "make no map"),
        (("index", "--features", "smell"), "no feature"),
    ],
)
def test_what_cannot_be_done_is_told(made, capsys, words, said):
    assert main(["archive", *words, "--archive", str(made / "archive")]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_a_work_or_file_that_is_not_there_is_told(made, capsys):
    words = ["archive", "search", "--similar", "nothing of that name", "--archive", str(made / "archive")]
    assert main(words) == ExitCode.FAILED
    assert "There is no one work" in capsys.readouterr().err


def test_what_is_not_measured_yet_is_told(made, capsys, tmp_path):
    shutil.copytree(made / "archive", tmp_path / "archive")
    words = ["archive", "search", "--similar", "red", "--by", "texture", "--archive", str(tmp_path / "archive")]
    assert main(words) == ExitCode.FAILED
    assert "vasari archive index --features style" in capsys.readouterr().err


def test_a_limit_of_values_is_checked(made, capsys):
    assert main(["archive", "facets", "-a", str(made / "archive"), "--limit", "-1"]) == ExitCode.USAGE
    assert "remedy: use --limit" in capsys.readouterr().err


def test_lines_are_short_and_steer_no_terminal(tmp_path, capsys):
    with Archive.create(tmp_path / "archive") as archive, archive.writing() as writer:
        (work,) = works_of(writer, ["one"]).values()
        claims = [Claim("title", "Red \x1b[31mfield\x07"), Claim("date", "(" * 3000)]
        state(writer, {work: claims}, Speaker("catalog", "test"))
    for words in (["list"], ["show", "one"]):
        assert main(["archive", *words, "-a", str(tmp_path / "archive")]) == ExitCode.DONE
        out = capsys.readouterr().out
        assert "Red ?[31mfield?" in out and not {"\x1b", "\x07"} & set(out)
        assert words != ["list"] or len(out.splitlines()[0]) < 140


def test_letters_that_the_terminal_has_not_are_told_by_number(tmp_path):
    with Archive.create(tmp_path / "archive") as archive, archive.writing() as writer:
        (work,) = works_of(writer, ["one"]).values()
        state(writer, {work: [Claim("title", "Ночь")]}, Speaker("catalog", "test"))
    command = [sys.executable, "-m", "vasari.app.cli.main", "archive", "list", "-a", str(tmp_path / "archive")]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u041d\u043e\u0447\u044c" in done.stdout


def test_years_before_christ_are_told_as_queries_take_them(tmp_path, capsys):
    with Archive.create(tmp_path / "archive") as archive, archive.writing() as writer:
        (work,) = works_of(writer, ["one"]).values()
        state(writer, {work: [Claim("date", "44 BC")]}, Speaker("catalog", "test"))
    assert main(["archive", "show", "one", "-a", str(tmp_path / "archive")]) == ExitCode.DONE
    assert "(44 BC to 44 BC)" in capsys.readouterr().out
    assert main(["archive", "list", "date in -44", "-a", str(tmp_path / "archive")]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith("1 work\n")
