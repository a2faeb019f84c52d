"""Films given to `vasari restore` and `vasari stylize`: told from pictures, treated, told of, replayed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli import films
from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode, MissingExtraError
from vasari.tasks.film.film_plan import FilmPlan

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def album(clips: ModuleType, tmp_path: Path) -> Path:
    """A folder with a picture and two films of its name."""
    folder = tmp_path / "album"
    folder.mkdir()
    Image.fromarray(data.astronaut()[:80, 150:250]).save(folder / "a.png")
    clips.write(folder / "a.mp4", clips.shots(2), sound=["aac"])
    pictures = [Image.fromarray(one) for one in clips.shots(2)]
    pictures[0].save(folder / "b.gif", save_all=True, append_images=pictures[1:], duration=40)
    return folder


@pytest.mark.parametrize("command", ["restore", "stylize"])
def test_every_field_of_the_film_plan_is_an_option_and_described(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    section = DOCUMENT.read_text(encoding="utf-8").split(f"## vasari {command}\n")[1].split("\n## ")[0]
    for item in dataclasses.fields(FilmPlan):
        option = f"--film-{item.name}"
        assert option in text
        assert f"| `{option}" in section


def test_pictures_and_films_of_a_folder_in_one_run(
    album: Path, tmp_path: Path, tiny_restorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["restore", str(album), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"]) == (3, 0)
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert names == {
        "a.png", "a.treatment.json", "a-mp4.mp4", "a-mp4.treatment.json", "b.gif", "b.treatment.json", "ledger.jsonl",
    }  # fmt: skip
    assert {one["result"] for one in told["films"]} == {"a-mp4.mp4", "b.gif"}
    assert all("flicker_fused_frame_by_frame" in one["numbers"] for one in told["films"])
    assert main(arguments) == 0
    assert "Nothing to do: 3 files" in capsys.readouterr().err


def test_flicker_and_what_is_worth_knowing_are_told_and_a_replay_gives_the_bytes(
    clips: ModuleType, tmp_path: Path, tiny_painter: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    style = tmp_path / "style.png"
    Image.fromarray(data.coffee()[:100, :120]).save(style)
    source = clips.write(tmp_path / "cut.mkv", clips.shots(12), options={"g": "4"})
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 3 // 4])
    arguments = ["stylize", str(source), "--style", str(style), "--precision", "float32", "-o", str(tmp_path / "out")]
    networks = ["--model", tiny_painter["model"], "--encoder", tiny_painter["encoder"]]
    assert main([*arguments, *networks, "--film-crf", "20"]) == 0
    text = capsys.readouterr().err
    assert "1 film stylized" in text
    assert "cut.mkv: flicker" in text
    assert "frame by frame" in text
    assert "truncated" in text
    sidecar = tmp_path / "out" / "cut.treatment.json"
    assert main(["stylize", "--replay", str(sidecar), "-o", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "cut.mkv").read_bytes() == (tmp_path / "out" / "cut.mkv").read_bytes()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--film-steady", "2"], ExitCode.USAGE),
        (["--film-fusion", "5"], ExitCode.USAGE),
        (["--film-codec", "mpeg1"], ExitCode.USAGE),
        (["--only-damage"], ExitCode.USAGE),
        (["--film-format", "webm", "--film-codec", "h264"], ExitCode.SOME_INPUTS_FAILED),
        (["--film-crf", "60"], ExitCode.SOME_INPUTS_FAILED),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    options: list[str], code: ExitCode, clips: ModuleType, tmp_path: Path, tiny_restorer: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    assert main(["restore", str(source), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer), *options]) == code
    assert "emedy" in capsys.readouterr().err
    assert not (tmp_path / "out" / "a.mp4").exists()


def test_what_no_film_takes_is_told_before_the_pictures_are_treated(
    album: Path, tmp_path: Path, tiny_restorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["restore", str(album), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]
    assert main([*arguments, "--stages", "tone,repair,enlarge"]) == ExitCode.USAGE
    assert "Films are not enlarged" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("a*"))


def test_inputs_are_divided_by_their_endings(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    picture, film = str(album / "a.png"), str(album / "a.mp4")
    assert films.divided([picture, film], out) == ([picture], [film])
    assert films.divided([str(album)], out) == ([str(album)], [str(album)])
    assert films.divided([str(album / "*.gif")], out) == ([], [str(album / "*.gif")])
    # What holds neither is left to the batch of pictures, which says so.
    assert films.divided(["no-such-folder"], out) == (["no-such-folder"], [])


def test_without_the_extra_named_films_are_refused_and_found_ones_left_out(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise MissingExtraError("A film", "film")

    monkeypatch.setattr(films, "pyav", missing)
    assert films.divided([str(album)], tmp_path / "out") == ([str(album)], [])
    assert "2 films" in capsys.readouterr().err
    with pytest.raises(MissingExtraError, match="packages that are not installed"):
        films.divided([str(album / "a.mp4")], tmp_path / "out")


def test_long_films_tell_how_far_they_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from vasari.tasks.batch.terms import Silent

    monkeypatch.setattr(films, "TELL_EVERY_S", 0.0)
    watch = films._Following(Silent())
    watch.begin(1, 100, 0)
    for share in np.linspace(0.5, 0.9, 5):
        watch.advance(Path("long.mp4"), 0, float(share), 100)
    assert "long.mp4: 90%, about" in capsys.readouterr().err
