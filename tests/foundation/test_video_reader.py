"""Reading films: colors as FFmpeg sees them, and what is wrong is told or refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from PIL import Image

from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.foundation.image_formats import Limits
from vasari.foundation.video_files import FilmReader, inspect_film, suffix_of


def read(path: Path) -> tuple[int, list[str]]:
    with FilmReader(path) as reader:
        count = sum(1 for _ in reader.frames())
    return count, reader.faults


@pytest.mark.parametrize(("color_range", "matrix"), [(1, 1), (2, 1), (1, 6), (2, 6)])
def test_pixels_agree_with_those_of_ffmpeg(color_range: int, matrix: int, clips: ModuleType, tmp_path: Path) -> None:
    path = clips.write(
        tmp_path / "a.mkv", clips.shots(1), codec="ffv1", options={}, pixel_format="yuv444p", color_range=color_range,
        matrix=matrix,
    )  # fmt: skip
    with FilmReader(path) as reader:
        ours = next(reader.frames()).pixels().permute(1, 2, 0).numpy() * 255
    with av.open(str(path)) as film:
        theirs = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(ours - theirs).max() < 2
    assert np.abs(ours - clips.shots(1)[0]).max() < 6  # 4:4:4 of 8 bits, limited range


def test_the_header_tells_what_was_written(clips: ModuleType, tmp_path: Path) -> None:
    header = inspect_film(
        clips.write(
            tmp_path / "a.mp4", clips.shots(2), time_base=Fraction(1, 12800), times=[0, 512, 2000, 2512],
            display_matrix=clips.QUARTER_TURN, color_range=2, pixel_format="yuvj420p", matrix=6,
        )
    )  # fmt: skip
    assert (header.kind, header.codec, header.width, header.height, header.depth) == ("mp4", "h264", 96, 64, 8)
    assert header.time_base == Fraction(1, 12800)
    assert header.display_matrix == clips.QUARTER_TURN
    assert (header.color.matrix, header.color.range) == (6, 2)


def test_a_small_copy_is_an_average(clips: ModuleType, tmp_path: Path) -> None:
    frames = clips.shots(1)
    path = clips.write(tmp_path / "a.mkv", frames, codec="ffv1", options={}, pixel_format="yuv444p")
    with FilmReader(path) as reader:
        small = next(reader.frames()).small(24)
    assert small.shape == (16, 24, 3)
    assert np.abs(small.mean((0, 1)) - frames[0].mean((0, 1))).max() < 3


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    with pytest.raises(PictureError, match="holds no film, but audio"):
        inspect_film(path)


@pytest.mark.parametrize("content", [b"", b"no film at all" * 99, b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"])
def test_what_is_no_film_is_refused(content: bytes, tmp_path: Path) -> None:
    """A playlist under the name of a film too: it would open an address."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(PictureError, match="cannot be read as a film"):
        inspect_film(path)
    with pytest.raises(PictureError, match="There is no file"):
        inspect_film(tmp_path / "b.mp4")


def test_a_picture_under_the_name_of_a_film_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    with pytest.raises(PictureError):
        inspect_film(tmp_path / "a.mp4")


@pytest.mark.parametrize("share", [0.9, 0.5])
@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", {"container_options": {"movflags": "+faststart"}}), ("a.mkv", {}), ("a.gif", None)],
)
def test_a_truncated_film_gives_the_frames_that_are_there_and_tells(
    name: str, options: dict | None, share: float, clips: ModuleType, tmp_path: Path
) -> None:
    path, frames = tmp_path / name, clips.shots(20)
    if options is None:
        pictures = [Image.fromarray(one) for one in frames]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    else:
        clips.write(path, frames, **options)
    whole, faults = read(path)
    assert (whole, faults) == (40, [])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    count, faults = read(path)
    assert 0 < count < 40
    assert any("truncated" in one for one in faults), faults


def test_a_truncated_mp4_without_its_index_is_refused(clips: ModuleType, tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.shots(4))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(PictureError, match="cannot be read as a film") as caught:
        inspect_film(path)
    assert "truncated" in caught.value.remedy


def overwrite(path: Path, number: int, at: int) -> None:
    """Destroy 300 bytes of a film, `at` bytes from where its packet `number` of moving pictures begins."""
    with av.open(str(path)) as film:
        place = [one.pos for one in film.demux(video=0) if one.size][number] + at
    data = bytearray(path.read_bytes())
    data[place : place + 300] = bytes(range(256)) + bytes(44)
    path.write_bytes(data)


def test_a_damaged_frame_is_told(clips: ModuleType, tmp_path: Path) -> None:
    """FFV1 keeps checksums; of H.264 not every destroyed byte can be known."""
    path = clips.write(tmp_path / "a.mkv", clips.shots(20), codec="ffv1", options={"level": "3", "slicecrc": "1"})
    overwrite(path, 20, 1000)
    count, faults = read(path)
    assert count >= 39
    assert faults


def test_frames_lost_in_the_middle_are_told(clips: ModuleType, tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mkv", clips.shots(20), options={"crf": "14", "g": "5"}, sound=["flac"])
    overwrite(path, 12, 0)
    count, faults = read(path)
    assert 10 < count < 40
    assert any("frames are missing in between" in one for one in faults), faults


def test_a_frame_that_is_held_is_no_gap(clips: ModuleType, tmp_path: Path) -> None:
    """A title in an animation, which says of itself that it stays for two seconds."""
    path, pictures = tmp_path / "a.gif", [Image.fromarray(one) for one in clips.shots(20)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100] * 12 + [2000] + [100] * 27)
    assert read(path) == (40, [])


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_film_of_varying_rate_has_no_gaps(name: str, clips: ModuleType, tmp_path: Path) -> None:
    """A recorded screen, whose frames come when something moves."""
    times = [*np.cumsum(np.random.default_rng(3).choice([1, 1, 2, 5], 40))]
    path = clips.write(tmp_path / name, clips.shots(20), times=times)
    assert read(path) == (40, [])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_a_film_without_a_frame_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libvpx-vp9" if name.endswith("webm") else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        film.start_encoding()
    with pytest.raises(PictureError, match=r"no frame that can be decoded|holds no film|cannot be read") as caught:
        inspect_film(path)
    assert caught.value.remedy


def test_sound_with_a_cover_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as film:
        sound = film.add_stream("aac", rate=48000)
        cover = film.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        raw = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), format="rgb24")
        film.mux(cover.encode(raw.reformat(format="yuvj420p")))
        film.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        film.mux(sound.encode(frame))
        film.mux(sound.encode(None))
    with pytest.raises(PictureError, match="holds no film"):
        inspect_film(path)


def test_the_content_counts_and_not_the_ending(clips: ModuleType, tmp_path: Path) -> None:
    matroska = clips.write(tmp_path / "a.mkv", clips.shots(2)).rename(tmp_path / "a.mp4")
    header = inspect_film(matroska)
    assert (header.kind, suffix_of(header, None), read(matroska)) == ("mkv", ".mkv", (4, []))
    other = clips.write(tmp_path / "b.mp4", clips.shots(1)).rename(tmp_path / "b.webm")
    assert inspect_film(other).kind == "mp4"
    stranger = clips.write(tmp_path / "c.avi", clips.shots(1), codec="mpeg4", options={}).rename(tmp_path / "c.mp4")
    with pytest.raises(PictureError, match="cannot be read as a film"):
        inspect_film(stranger)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(PictureError, match="There is no file"):
        inspect_film(tmp_path / "folder.mp4")


def test_a_film_that_changes_its_size_is_refused_where_it_does(clips: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    motion_jpeg = {"codec": "mjpeg", "options": {}, "pixel_format": "yuvj420p", "color_range": 2}
    sizes = enumerate([(64, 96), (48, 96)])
    parts = [clips.write(tmp_path / f"{number}.mkv", clips.shots(2, size), **motion_jpeg) for number, size in sizes]
    with av.open(str(path), "w") as film, av.open(str(parts[0])) as one, av.open(str(parts[1])) as two:
        stream = film.add_stream_from_template(one.streams.video[0])
        for source, later in ((one, 0), (two, 160)):
            for packet in source.demux(video=0):
                if packet.size:
                    packet.pts = packet.dts = packet.pts + later
                    packet.stream = stream
                    film.mux(packet)
    with FilmReader(path) as reader, pytest.raises(PictureError, match="from 96×64 to 96×48 at frame 5"):
        list(reader.frames())


def test_frames_beyond_the_limit_are_refused(clips: ModuleType, tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.shots(1))
    with pytest.raises(PictureTooLargeError):
        inspect_film(path, Limits(max_pixels=96 * 64 - 1))


def test_a_film_of_one_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (200, 30, 40)).save(tmp_path / "a.gif", save_all=True)
    with FilmReader(tmp_path / "a.gif") as reader:
        frames = list(reader.frames())
    assert [tuple(one.pixels().shape) for one in frames] == [(3, 1, 1)]
    assert np.abs(frames[0].pixels().flatten().numpy() * 255 - [200, 30, 40]).max() < 1
