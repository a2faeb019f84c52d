"""The commands that keep an archive: verify, backup, recover, rebuild, transfer, export, import."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vasari.app.cli.main import main
from vasari.archive.schema import FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import DATABASE, Archive
from vasari.foundation.errors import ExitCode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive of three works with a picture file each."""
    with Archive.create(tmp_path / "archive") as archive, archive.writing() as writer:
        ids = works_of(writer, ["a", "b", "c"])
        state(writer, {id: [Claim("title", f"Title of {key}")] for key, id in ids.items()}, Speaker("person", "me"))
        for key, id in ids.items():
            path = tmp_path / f"{key}.tif"
            path.write_bytes(key.encode() * 100)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            row = {
                "work_id": id, "path": str(path), "page": 0, "content": sha256, "sha256": sha256, "bytes": 100,
                "modified_ns": 0, "width": 5, "height": 5, "format": "tiff", "depth": 8, "phash": None,
                "copied": False, "state": "present", "added": "2020-01-01T00:00:00Z", "checked": "2020-01-01T00:00:00Z",
            }  # fmt: skip
            writer.add(FILES, [row])
    return tmp_path / "archive"


def _json(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = ExitCode.DONE) -> dict:
    capsys.readouterr()
    assert main(["archive", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_verify(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "verify", "-a", folder)["checked"] == 3
    (tmp_path / "b.tif").write_bytes(b"c" + b"b" * 99)
    (tmp_path / "c.tif").unlink()
    found = _json(capsys, "verify", "-a", folder, code=ExitCode.SOME_INPUTS_FAILED)
    assert [(Path(one["path"]).name, one["state"]) for one in found["wrong"]] == [
        ("b.tif", "changed"), ("c.tif", "missing"),
    ]  # fmt: skip
    assert main(["archive", "verify", "-a", str(folder), "--share", "0.1", "--seed-by-day"]) == 3
    told = capsys.readouterr().out
    assert "b.tif: changed" in told and "2 are not what they were" in told
    assert main(["archive", "verify", "-a", str(folder), "--share", "7"]) == ExitCode.USAGE


def test_backup_and_recover(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "backup", tmp_path / "copy", "-a", folder, "--masters")["masters"] == 0
    assert _json(capsys, "recover", tmp_path / "copy", tmp_path / "back")["journal"] == 1
    with Archive.open(tmp_path / "back") as archive:
        assert archive.fact("journal") == "2"  # and the event of its recovery
    assert main(["archive", "recover", str(tmp_path / "copy"), str(tmp_path / "back")]) == ExitCode.USAGE
    assert "exists already" in capsys.readouterr().err


def test_rebuild(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "rebuild", folder)["rows"]["works"] == 3
    (folder / DATABASE).unlink()
    assert main(["archive", "verify", "-a", str(folder)]) == ExitCode.FAILED
    assert "vasari archive rebuild" in capsys.readouterr().err
    assert main(["archive", "rebuild", "-a", str(folder)]) == ExitCode.DONE
    assert "Next: vasari archive index" in capsys.readouterr().out
    assert _json(capsys, "rebuild", folder, "--journal")["rows"] == 9
    assert _json(capsys, "rebuild", folder)["entries"] == 1
    assert main(["archive", "verify", "-a", str(folder)]) == ExitCode.DONE


def test_transfer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ([], ["--sqlite"], ["--sqlite", "--database", "postgresql://x/y"], ["--database", "mysql://x/y"]):
        assert main(["archive", "transfer", "-a", str(folder), *wrong]) == ExitCode.USAGE
    assert _json(capsys, "verify", "-a", folder)["checked"] == 3


def test_export_and_import(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "export", tmp_path / "w.jsonld", "-a", folder, "--format", "jsonld")["count"] == 3
    assert _json(capsys, "export", tmp_path / "w.csv", "-a", folder, "--query", "title='Title of b'")["count"] == 1
    assert _json(capsys, "export", tmp_path / "bag", "-a", folder, "--format", "bagit")["wrong"] == []
    assert main(["archive", "init", str(tmp_path / "new")]) == ExitCode.DONE
    assert _json(capsys, "import", tmp_path / "w.jsonld", "-a", tmp_path / "new") == {"works": 3, "statements": 3}
    assert _json(capsys, "import", tmp_path / "w.csv", "-a", tmp_path / "new", "--by", "Tate")["works"] == 1
    assert main(["archive", "export", str(tmp_path / "w.csv"), "-a", str(folder)]) == ExitCode.USAGE
    assert "--overwrite" in capsys.readouterr().err
