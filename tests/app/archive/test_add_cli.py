"""`vasari archive add`, `show` and `state` as people type them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.app.cli.main import main

Run = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive that commands mean by themselves, beside a folder of two scans."""
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["archive", "init", str(tmp_path / "art")]) == 0
    monkeypatch.setenv("VASARI_ARCHIVE", str(tmp_path / "art"))
    (tmp_path / "scans").mkdir()
    random = np.random.default_rng(1)
    for name in ("a.png", "b.png"):
        small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        small.resize((160, 120), Image.Resampling.BICUBIC).save(tmp_path / "scans" / name)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command with --json: its exit code and what it tells."""

    def told(*arguments: object) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        code = main(["archive", *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return told


def test_pictures_and_their_catalog_in_one_command(folder: Path, run: Run) -> None:
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "title", "date", "shelf"], ["a.png", "Sun", "c. 1890", "7"]])
    code, told = run("add", folder / "scans", "--metadata", folder / "list.csv")
    assert code == 0 and (told["added"], told["failed"]) == (2, 0)
    (catalog,) = told["catalogs"]  # type: ignore[misc]
    assert (catalog["records"], catalog["joined"], catalog["unmapped"]) == (1, 1, ["shelf"])
    code, work = run("show", folder / "scans" / "a.png")
    assert code == 0 and (work["key"], work["title"]) == ("list:a.png", "Sun")
    assert work["date"] == {"text": "c. 1890", "edtf": "1890~", "kind": "circa", "first": 1885, "last": 1895}
    code, told = run("add", folder / "scans", "--metadata", folder / "list.csv")
    assert code == 0 and told["unchanged"] == 2


def test_a_persons_word(folder: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("add", folder / "scans")
    key = str(folder / "scans" / "b.png")
    assert run("state", key, "artist=Berthe Morisot", "style=Impressionism", "--by", "Ann")[0] == 0
    code, work = run("show", str(work_key(run, key))[5:20])
    assert code == 0 and work["artist"] == "Berthe Morisot"
    said = {(one["field"], one["kind"], one["by"]) for one in work["statements"]}  # type: ignore[attr-defined]
    assert said == {("artist", "person", "Ann"), ("style", "person", "Ann")}
    assert main(["archive", "show", key]) == 0
    text = capsys.readouterr().out
    assert "artist: Berthe Morisot  [person Ann," in text and "metadata modification: success, by Ann" in text
    assert main(["archive", "state", key, "painter=Ann"]) == 2
    assert main(["archive", "state", key]) == 2
    assert main(["archive", "state", "nobody:1", "artist=Ann"]) == 1
    assert "no one work" in capsys.readouterr().err


def work_key(run: Run, path: str) -> object:
    return run("show", path)[1]["key"]


def test_broken_pictures_are_told_and_the_exit_code_says_so(
    folder: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scans" / "c.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    code, told = run("add", folder / "scans")
    assert (code, told["added"], told["failed"]) == (3, 2, 1)
    assert told["failures"][0]["source"] == str(folder / "scans" / "c.jpg")  # type: ignore[index]
    assert main(["archive", "add", str(folder / "scans")]) == 3
    assert "1 failed, see ledger.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["add"],
        ["add", "missing"],
        ["add", "scans", "--preset", "tate"],
        ["add", "scans", "--names", "{painter}"],
        ["add", "scans", "--workers", "-1"],
        ["add", "--metadata", "missing.csv"],
    ],
)
def test_wrong_usage_is_told(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert main(["archive", *arguments]) == 2
    assert "remedy" in capsys.readouterr().err


def test_an_address_that_is_not_public_is_refused(folder: Path, run: Run) -> None:
    code, told = run("add", "https://127.0.0.1/a.jpg", "http://museum.example/a.jpg")
    assert (code, told["failed"]) == (3, 2)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom vasari.app.cli.main import main\nmain(['archive', 'add', '--help'])\n"
        "sys.exit(bool({'torch', 'sqlalchemy', 'pyvips', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "--near-distance" in done.stdout
