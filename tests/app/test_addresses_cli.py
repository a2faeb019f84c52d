"""Addresses where a path is meant, and the other way around: told, and no folder called `s3:` is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vasari.app.cli.main import main
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import ExitCode


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize(
    "line",
    [
        "explain a.png -o s3://scans/maps",
        "inpaint a.png --box 1,1,5,5 -o s3://scans/a.png",
        "texture a.png -o s3://scans/a.png",
        "generate retro -o s3://scans/made",
        "augment set -o s3://scans/more",
        "evaluate a.png -o s3://scans/report",
        "train restore --data photos -o s3://scans/run",
        "archive init s3://scans/archive",
        "archive map --archive a -o s3://scans/map.html",
        "restore --replay s3://scans/a.treatment.json",
        "stylize a.png --style b.png --watch s3://scans/watch -o out",
    ],
)
def test_commands_that_write_files_alone_say_so(line: str, capsys: pytest.CaptureFixture[str], nowhere: Path) -> None:
    assert main(line.split()) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "is an address, and here only files and folders are read and written" in said
    assert "s3://scans/" in said and "restore, stylize and translate" in said
    assert not list(nowhere.iterdir())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("restore a.png -o gs://scans/box", "results are not written to gs"),
        ("restore a.png -o s3://Scans/box", "no address of a bucket"),
        ("restore s3://scans/box -o out", "sources are read from a file system"),
        ("translate model a.png -o az://scans/box", "results are not written to az"),
    ],
)
def test_what_is_no_address_of_a_bucket_is_refused(
    line: str, said: str, capsys: pytest.CaptureFixture[str], nowhere: Path
) -> None:
    assert main(line.split()) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not list(nowhere.iterdir())


def test_a_replay_goes_into_a_folder(capsys: pytest.CaptureFixture[str], scans: Path, tiny_restorer: Path) -> None:
    assert main(["restore", str(scans / "camera.png"), "-o", "out", "--model", str(tiny_restorer)]) == 0
    capsys.readouterr()
    assert main(["restore", "--replay", "out/camera.treatment.json", "-o", "s3://scans/again"]) == ExitCode.USAGE
    assert "Replays are not written to a bucket" in capsys.readouterr().err


def test_restored_into_a_bucket_and_films_are_left_out(
    capsys: pytest.CaptureFixture[str], scans: Path, tiny_restorer: Path, bucket: BucketAddress, nowhere: Path
) -> None:
    (scans / "clip.mp4").write_bytes(b"no film")
    command = ["restore", str(scans), "-o", str(bucket), "--model", str(tiny_restorer), "--json"]
    assert main(command) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out)["output"], json.loads(told.out)["done"]) == (str(bucket), 3)
    assert "1 film in" in told.err and "left out; name a folder with -o" in told.err
    assert Bucket(bucket).find("camera.png") is not None
    assert main(command[:-1]) == 0
    assert f"Nothing to do: 3 pages in {bucket} as they should be." in capsys.readouterr().err
    assert main(["restore", str(scans / "clip.mp4"), *command[2:]]) == ExitCode.USAGE
    assert "Films are not written to a bucket" in capsys.readouterr().err
    (scans / "broken.jpg").write_bytes(b"no picture")
    assert main(command[:-1]) == ExitCode.SOME_INPUTS_FAILED
    assert f"1 failed, see {bucket}/ledger.jsonl" in capsys.readouterr().err
    assert not list(nowhere.iterdir())


def test_a_bucket_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], scans: Path, tiny_restorer: Path, bucket: BucketAddress
) -> None:
    command = ["restore", str(scans), "-o", "s3://nobody-s/box", "--model", str(tiny_restorer)]
    assert main(command) == ExitCode.FAILED
    assert "There is no bucket nobody-s." in capsys.readouterr().err
