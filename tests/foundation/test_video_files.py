"""Films in and out: every time stamp, every packet of sound, rotation and colors as they were."""

from __future__ import annotations

import hashlib
import struct
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import PlanError, WriteError
from vasari.foundation.video_files import (
    FilmReader,
    SegmentWriter,
    assemble,
    format_for,
    inspect_film,
    read_segment,
    suffix_of,
)
from vasari.foundation.video_mux import decoding_times

# Uneven, and beginning late: at 1/12800 s.
UNEVEN = [700, 915, 1130, 1700, 1915, 2430, 2645, 4000, 4215, 4430, 4645, 6000]


def copy(source: Path, folder: Path, *, parts: int = 3, kind: str | None = None, codec: str | None = None) -> Path:
    """The film written again, frame by frame as it was read, in so many segments; told is what was left out."""
    with FilmReader(source) as reader:
        format = format_for(reader.header, kind, codec)
        frames = list(reader.frames())
        assert not reader.faults
    size = -(-len(frames) // parts)
    segments = []
    for start in range(0, len(frames), size):
        segments.append(folder / f"{start}.packets")
        with SegmentWriter(segments[-1], format) as writer:
            for frame in frames[start : start + size]:
                writer.append(frame.pixels(), frame.pts, frame.duration, frame.alpha())
    target = folder / f"copy{suffix_of(format.header, kind)}"
    left_out = assemble(format, segments, target, "a note")
    (folder / "left_out.txt").write_text("\n".join(left_out))
    return target


def pixels(path: Path) -> torch.Tensor:
    with FilmReader(path) as reader:
        return torch.stack([frame.pixels() for frame in reader.frames()])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"times": UNEVEN, "time_base": Fraction(1, 12800), "sound": ["aac", "aac"], "subtitles": "mov_text"}),
        ("a.mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "options": {}, "sound": ["pcm_s16le"]}),
        ("a.mkv", {"times": UNEVEN, "time_base": Fraction(1, 1000), "sound": ["flac"], "subtitles": "subrip",
                   "font": b"\0\1font"}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}, "sound": ["libopus"]}),
    ],
)  # fmt: skip
def test_times_sound_subtitles_and_chapters_stay(name: str, options: dict, clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / name, clips.shots(6), **options)
    result = copy(source, tmp_path)
    assert clips.times(result) == clips.times(source)
    kinds = ("audio", "subtitle")
    assert clips.packets(result, *kinds) == clips.packets(source, *kinds)
    assert len(clips.packets(source, *kinds)) > 10
    with av.open(str(source)) as one, av.open(str(result)) as two:
        for before, after in zip(one.chapters(), two.chapters(), strict=True):
            for border in ("start", "end"):
                assert before[border] * before["time_base"] == after[border] * after["time_base"]  # type: ignore[literal-required]
        assert two.metadata["title"] == "Bilder äöü"
        assert "a note" in two.metadata.values()
        streams = [[one.type for one in film.streams if one.type != "data"] for film in (one, two)]
        assert streams[0] == streams[1]
        fonts = [stream.data for stream in two.streams if stream.type == "attachment"]
        assert fonts == ([options["font"]] if "font" in options else [])
    assert not (tmp_path / "left_out.txt").read_text()
    before, after = inspect_film(source), inspect_film(result)
    assert (after.width, after.height, after.pixel_format, after.depth) == (96, 64, before.pixel_format, before.depth)
    assert after.color == before.color
    assert float((pixels(source) - pixels(result)).abs().mean()) < 2.5 / 255


def test_the_same_segments_give_the_same_bytes(clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / "a.mkv", clips.shots(6), sound=["flac"])
    digests = set()
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        digests.add(hashlib.sha256(copy(source, tmp_path / place).read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_rotation_is_kept(name: str, clips: ModuleType, tmp_path: Path) -> None:
    codec = {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}} if name.endswith("webm") else {}
    source = clips.write(tmp_path / name, clips.shots(2), display_matrix=clips.QUARTER_TURN, **codec)
    result = copy(source, tmp_path)
    with av.open(str(result)) as film:
        frame = next(film.decode(video=0))
        assert struct.unpack("=9i", bytes(frame.side_data["DISPLAYMATRIX"])) == clips.QUARTER_TURN
        assert (frame.width, frame.height) == (96, 64)


def test_a_gif_keeps_its_times_loops_and_transparency(clips: ModuleType, tmp_path: Path) -> None:
    durations = [50, 120, 80, 40, 40, 200]
    pictures = []
    for index, frame in enumerate(clips.shots(3)):
        alpha = np.full(frame.shape[:2], 255, np.uint8)
        alpha[10:20, 5 + index : 25] = 0
        pictures.append(Image.fromarray(np.dstack([frame, alpha]), "RGBA"))
    source = tmp_path / "a.gif"
    pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=durations, loop=3, disposal=2)
    result = copy(source, tmp_path)
    assert clips.times(result) == clips.times(source)
    with Image.open(result) as made:
        assert made.info["loop"] == 3
        told = []
        for index in range(made.n_frames):
            made.seek(index)
            told.append(made.info["duration"])
            shown = np.array(made.convert("RGBA"))
            assert (shown[..., 3] == np.array(pictures[index])[..., 3]).all()
            seen = shown[..., 3] > 0
            assert np.abs(shown[seen].astype(int) - np.array(pictures[index])[seen]).mean() < 6
    assert told == durations


def test_into_a_gif_a_rotation_is_applied(clips: ModuleType, tmp_path: Path) -> None:
    frames = clips.shots(2)
    source = clips.write(tmp_path / "a.mp4", frames, display_matrix=clips.QUARTER_TURN, sound=["aac"])
    result = copy(source, tmp_path, kind="gif")
    assert "left out" in (tmp_path / "left_out.txt").read_text()
    with av.open(str(source)) as film:
        turns = next(film.decode(video=0)).rotation // 90  # counterclockwise
    with Image.open(result) as made:
        shown = np.array(made.convert("RGB")).astype(int)
    assert np.abs(shown - np.rot90(frames[0], turns)).mean() < 8


@pytest.mark.parametrize("kind", ["mkv", "webm"])
def test_what_another_container_cannot_take_is_told(kind: str, clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(2), sound=["aac"])
    result = copy(source, tmp_path, kind=kind)
    told = (tmp_path / "left_out.txt").read_text()
    kept = clips.packets(result, "audio")
    assert ("audio" in told) == (kind == "webm") == (not kept)
    assert len(clips.times(result)[1]) == 4


def test_ten_bits_stay_ten_bits(clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(
        tmp_path / "a.mkv", clips.shots(2), codec="ffv1", pixel_format="yuv420p10le", options={}, matrix=9, primaries=9
    )
    result = copy(source, tmp_path)
    assert inspect_film(result).depth == 10
    assert inspect_film(result).color == inspect_film(source).color
    assert torch.equal(pixels(source), pixels(result))


def test_a_lossless_film_that_is_not_changed_has_the_same_samples(clips: ModuleType, tmp_path: Path) -> None:
    for number, (pixel_format, color_range, matrix) in enumerate(
        [("yuv420p", 1, 6), ("yuv420p", 2, 1), ("yuv422p", 1, 1), ("yuv444p", 1, 1), ("yuv411p", 1, 6), ("gray", 2, 1),
         ("bgra", 2, 0), ("yuva420p", 1, 1)]
    ):  # fmt: skip
        folder = tmp_path / str(number)
        folder.mkdir()
        source = clips.write(
            folder / "a.mkv", clips.shots(1), codec="ffv1", pixel_format=pixel_format, options={}, matrix=matrix,
            color_range=color_range,
        )  # fmt: skip
        result = copy(source, folder)
        with av.open(str(source)) as one, av.open(str(result)) as two:
            for before, after in zip(one.decode(video=0), two.decode(video=0), strict=True):
                assert before.format.name == after.format.name == pixel_format
                for first, second in zip(before.planes, after.planes, strict=True):
                    rows = [np.frombuffer(p, np.uint8).reshape(p.height, -1) for p in (first, second)]
                    used = first.width * (4 if pixel_format == "bgra" else 1)
                    assert (rows[0][:, :used] == rows[1][:, :used]).all(), pixel_format


@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("matrix", [1, 6])
def test_a_known_color_is_the_same_to_ffmpeg_after_the_round_trip(
    matrix: int, color_range: int, clips: ModuleType, tmp_path: Path
) -> None:
    """BT.709 and BT.601, limited and full range, through H.264: a wrong matrix or range is ten levels off and more."""
    color = (200, 60, 90)
    flat = np.full((64, 96, 3), color, np.uint8)
    source = clips.write(tmp_path / "a.mp4", [flat] * 3, matrix=matrix, color_range=color_range)
    assert np.abs(pixels(source).mean((0, 2, 3)).numpy() * 255 - color).max() < 2
    with av.open(str(copy(source, tmp_path))) as film:
        for frame in film.decode(video=0):
            assert (frame.colorspace, frame.color_range) == (matrix, color_range)
            assert np.abs(frame.to_ndarray(format="rgb24").mean((0, 1)) - color).max() < 4


def test_the_colors_of_a_gif_are_those_of_the_film(clips: ModuleType, tmp_path: Path) -> None:
    colors = [(200, 60, 90), (20, 120, 40), (250, 250, 245), (8, 10, 30)]
    frame = np.repeat(np.array(colors, np.uint8)[None], 48, 0).repeat(20, 1)
    source = clips.write(tmp_path / "a.mkv", [frame] * 2, codec="ffv1", options={}, pixel_format="yuv444p")
    with Image.open(copy(source, tmp_path, kind="gif")) as made:
        shown = np.array(made.convert("RGB")).astype(float)
    for place, color in enumerate(colors):
        assert np.abs(shown[:, 20 * place + 1 : 20 * place + 19].mean((0, 1)) - color).max() < 3


@pytest.mark.parametrize(
    ("name", "kind", "codec", "options", "written"),
    [
        ("a.webm", None, None, {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}}, "yuv420p"),
        ("a.webm", "mp4", "h264", {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}}, "yuv444p"),
        ("a.mkv", "gif", None, {"codec": "ffv1", "options": {}, "pixel_format": "yuv444p"}, "bgra"),
    ],
)
def test_odd_sizes_stay_odd(
    name: str, kind: str | None, codec: str | None, options: dict, written: str, clips: ModuleType, tmp_path: Path
) -> None:
    source = clips.write(tmp_path / name, clips.shots(2, (63, 97)), **options)
    result = copy(source, tmp_path, kind=kind, codec=codec)
    header = inspect_film(result)
    assert (header.width, header.height) == (97, 63)
    assert header.pixel_format == written
    assert float((pixels(source) - pixels(result)).abs().mean()) < (12 if kind == "gif" else 3) / 255


def test_a_film_that_cannot_be_written_is_told_and_leaves_nothing(clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    copy(source, tmp_path, parts=1)
    header = inspect_film(source)
    with pytest.raises(WriteError, match="could not be written") as caught:
        assemble(format_for(header), [tmp_path / "0.packets"], tmp_path / "none" / "b.mp4", "")
    assert caught.value.remedy
    assert not (tmp_path / "none").exists()
    (tmp_path / "0.packets").unlink()
    with pytest.raises(WriteError, match="cannot be read"):
        assemble(format_for(header), [tmp_path / "0.packets"], tmp_path / "b.mp4", "")
    assert not (tmp_path / "b.mp4").exists()


def test_decoding_times_never_go_back_and_never_come_too_late() -> None:
    shown = [0, 400, 100, 50, 300, 900, 500, 1000, 2500, 2000]
    decoded = decoding_times(shown)
    assert decoded == sorted(set(decoded))
    assert all(time <= pts for time, pts in zip(decoded, shown))
    assert decoding_times([3, 4, 9]) == [3, 4, 9]


def test_a_codec_that_the_container_does_not_take_is_refused(clips: ModuleType, tmp_path: Path) -> None:
    header = inspect_film(clips.write(tmp_path / "a.mp4", clips.shots(1)))
    with pytest.raises(PlanError, match="webm film does not take the codec h264"):
        format_for(header, "webm", "h264")
    with pytest.raises(PlanError, match="no quality"):
        format_for(header, "mp4", "h264", 60)
    assert format_for(header, "webm").codec == "vp9"
    assert format_for(header, crf=30).options["crf"] == "30"


def test_a_segment_that_is_cut_off_is_refused(clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(2))
    copy(source, tmp_path, parts=1)
    segment = tmp_path / "0.packets"
    assert len(read_segment(segment)) == 4
    segment.write_bytes(segment.read_bytes()[:-10])
    with pytest.raises(WriteError, match="cut off"):
        read_segment(segment)


def test_a_failure_leaves_no_segment(clips: ModuleType, tmp_path: Path) -> None:
    header = inspect_film(clips.write(tmp_path / "a.mp4", clips.shots(1)))
    with (
        pytest.raises(RuntimeError, match="in between"),
        SegmentWriter(tmp_path / "x.packets", format_for(header)) as writer,
    ):
        writer.append(torch.zeros(3, 64, 96), 0, 1)
        raise RuntimeError("in between")
    assert not list(tmp_path.glob("*.packets*"))
