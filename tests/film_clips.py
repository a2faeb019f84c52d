"""Small films for the tests, made by PyAV itself: photographs moved by known amounts, with sound and subtitles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from skimage import data
from torch import Tensor

QUARTER_TURN = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)


def pan(picture: np.ndarray, count: int, size: tuple[int, int], step: tuple[float, float]) -> list[np.ndarray]:
    """uint8 frames [rows, columns, 3]: a window that moves by `step` (columns, rows) over a picture."""
    rows, columns = size
    needed = max((rows + abs(step[1]) * count) / picture.shape[0], (columns + abs(step[0]) * count) / picture.shape[1])
    large = cv2.resize(picture, None, fx=needed * 1.05, fy=needed * 1.05, interpolation=cv2.INTER_AREA)
    frames = []
    for index in range(count):
        left = step[0] * index - min(0.0, step[0] * count)
        top = step[1] * index - min(0.0, step[1] * count)
        matrix = np.array([[1, 0, left], [0, 1, top]], np.float32)
        moved = cv2.warpAffine(large, matrix, (columns, rows), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        frames.append(np.ascontiguousarray(moved))
    return frames


def shots(count: int = 12, size: tuple[int, int] = (64, 96)) -> list[np.ndarray]:
    """Two pans over two photographs, of `count` frames each."""
    first = pan(data.astronaut()[:300, 100:400], count, size, (1.5, 0.5))
    return first + pan(data.coffee()[50:350, 100:500], count, size, (-1.0, 0.7))


def tensors(frames: Sequence[np.ndarray]) -> list[Tensor]:
    """uint8 frames as float32 [3, rows, columns] in 0..1."""
    return [torch.from_numpy(one.transpose(2, 0, 1).astype(np.float32) / 255) for one in frames]


def write(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    matrix: int = 1,
    color_range: int = 1,
    primaries: int = 1,
    transfer: int = 1,
    sound: Sequence[str] = (),
    subtitles: str | None = None,
    display_matrix: tuple[int, ...] | None = None,
    container_options: dict[str, str] | None = None,
    font: bytes | None = None,
) -> Path:
    """Write a film; `sound` names audio codecs, `subtitles` a subtitle codec, `times` the time stamps."""
    rows, columns = frames[0].shape[:2]
    times = list(times if times is not None else range(len(frames)))
    with av.open(str(path), "w", container_options=container_options or {}) as film:
        film.metadata["title"] = "Bilder äöü"
        stream: Any = film.add_stream(codec, rate=25, options=options or {"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = columns, rows, pixel_format
        context = stream.codec_context
        context.time_base = time_base
        context.colorspace, context.color_range = matrix, color_range
        context.color_primaries, context.color_trc = primaries, transfer
        if display_matrix is not None:
            stream.set_display_matrix(display_matrix)
        voices = [film.add_stream(one, rate=48000) for one in sound]
        words: Any = film.add_mux_stream(subtitles) if subtitles else None
        if font is not None:
            film.add_attachment("font.ttf", "application/x-truetype-font", font)
        if sound:
            film.set_chapters(
                [{"id": 1, "start": 0, "end": 300, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}}]
            )
        for pts, frame in zip(times, frames):
            raw = av.VideoFrame.from_ndarray(frame, format="rgb24")
            raw = raw.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=color_range)
            raw.colorspace, raw.color_range, raw.pts, raw.time_base = matrix, color_range, int(pts), time_base
            film.mux(stream.encode(raw))
        film.mux(stream.encode())
        seconds = float((times[-1] + 1) * time_base)
        for number, voice in enumerate(voices):
            film.mux(_sound(voice, seconds, 300 + 140 * number))
        for number in range(2 if words is not None else 0):
            film.mux(_words(words, subtitles or "", number))
    return path


def _sound(stream: Any, seconds: float, pitch: float) -> list[Any]:
    size = stream.codec_context.frame_size or 1024
    wave = (np.sin(np.arange(int(seconds * 48000)) * 2 * np.pi * pitch / 48000) * 0.3).astype(np.float32)
    packets: list[Any] = []
    for start in range(0, len(wave) - size, size):
        frame = av.AudioFrame.from_ndarray(np.stack([wave[start : start + size]] * 2), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, int(start), Fraction(1, 48000)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _words(stream: Any, codec: str, number: int) -> Any:
    text = f"Line {number}".encode()
    packet = av.Packet(len(text).to_bytes(2, "big") + text if codec == "mov_text" else text)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 40 + 300 * number
    packet.duration, packet.is_keyframe = 200, True
    return packet


def packets(path: Path, *kinds: str) -> list[tuple[Any, ...]]:
    """Every packet of the streams of these kinds: stream, times, time base, SHA-256 of its bytes."""
    with av.open(str(path)) as film:
        found = [
            (one.stream.index, one.pts, one.dts, one.duration, one.time_base, hashlib.sha256(bytes(one)).hexdigest())
            for one in film.demux()
            if one.stream.type in kinds and one.size
        ]
    return sorted(found, key=lambda one: (one[0], one[1] or 0))


def times(path: Path) -> tuple[Fraction | None, list[int | None]]:
    """The time base, and the time stamp of every frame as FFmpeg's own decoder gives it."""
    with av.open(str(path)) as film:
        return film.streams.video[0].time_base, [one.pts for one in film.decode(video=0)]


class Gains:
    """Treats frames by another color gain each: what flickers, and nothing else. The same frame gets the same gain."""

    machine = {"device": "cpu"}  # noqa: RUF012 - never changed

    def __init__(self, deviation: float = 0.06, paints: bool = False) -> None:
        self.deviation, self.paints = deviation, paints
        self.shots_begun = 0

    def begin_shot(self, frame: Tensor) -> None:
        """Count."""
        self.shots_begun += 1

    def treat(self, frame: Tensor, survey: None) -> Tensor:
        """Gains drawn by the frame's own bytes."""
        seed = int.from_bytes(hashlib.sha256(frame.numpy().tobytes()).digest()[:4], "big")
        gains = 1 + self.deviation * np.random.default_rng(seed).standard_normal(3)
        return frame * torch.from_numpy(gains.astype(np.float32))[:, None, None]
