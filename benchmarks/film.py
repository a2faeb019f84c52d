"""Films: frames a second with flow, flicker beside frame by frame, detail that stays, sound to the byte, fusion.

    python benchmarks/film.py --style van-gogh-starry-night --frames 24 --size 1280x720 [--json film.json]

Protocol. The film is made here: a window pans over scikit-image's coffee by (3.3, 1.1) pixels a frame while a round
piece of its astronaut crosses by (7.3, 1.7), both subpixel and cubic, so that the clean film is known; 24 frames a
second, H.264 (crf 10), AAC of a tone. For `restore` each frame gets its own grain (normal, deviation 8 of 255) and 24
specks (radius 1 to 4 px, black or white). Each command runs as a person calls it, in a process of its own.

- Frames a second: frames over the seconds that the ledger tells, which leave the start out; and of the same film with a
  treatment that does nothing, which is the flow, the carrying and the files.
- Flicker: the warping error of Lai et al. 2018 (`tasks/film/flicker.py`), of the decoded result, along the flow of the
  clean film, against that of the result of `--film-steady 0 --film-fusion 0`, and that of the clean film itself, which
  is what the score cannot fall below. The goal is a ratio of at most 0.5.
- Detail: the share of the fine detail (what a Gaussian of 1.5 px takes off) of the frames treated one by one that
  the steady film holds, in an early third and in the last; a smear would make it fall.
- Fusion: PSNR against the clean film before and after, of all pixels and of those under specks, without a network.
- Sound and times: packets of the sound and time stamps of all frames against those of the source.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean
from typing import Any

import av
import cv2
import numpy as np
import skimage.data
import torch
from torch import Tensor

import machine
from pictures import planes
from vasari.foundation.video_files import FilmReader
from vasari.tasks.film.apply import treat_film
from vasari.tasks.film.carry import low_pass
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.flicker import warping_error
from vasari.tasks.film.flow import Motion, motion
from vasari.tasks.film.fusion import fused

FRAMES_A_SECOND = 24
GRAIN_LEVELS, SPECKS = 8.0, 24


def clean_film(count: int, width: int, height: int) -> list[np.ndarray]:
    """uint8 frames [rows, columns, 3]."""
    ground = cv2.resize(skimage.data.coffee(), (width * 2, height * 2), interpolation=cv2.INTER_CUBIC)
    side = height
    piece = cv2.resize(skimage.data.astronaut(), (side, side), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros((side, side), np.float32)
    cv2.circle(mask, (side // 2, side // 2), side // 3, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.0)
    frames = []
    for index in range(count):
        pan = np.array([[1, 0, 100 + 3.3 * index], [0, 1, 100 + 1.1 * index]], np.float32)
        behind = cv2.warpAffine(ground, pan, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        cross = np.array([[1, 0, 60 + 7.3 * index], [0, 1, 1.7 * index]], np.float32)
        cover = cv2.warpAffine(mask, cross, (width, height))[..., None]
        front = cv2.warpAffine(piece, cross, (width, height), flags=cv2.INTER_CUBIC)
        frames.append(np.rint(behind * (1 - cover) + front * cover).astype(np.uint8))
    return frames


def aged_film(frames: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Frames with grain and specks, and masks of the specks."""
    rng = np.random.default_rng(3)
    aged, masks = [], []
    for frame in frames:
        rows, columns = frame.shape[:2]
        cover, value = np.zeros((rows, columns), np.uint8), np.zeros((rows, columns), np.float32)
        for _ in range(SPECKS):
            speck = np.zeros((rows, columns), np.uint8)
            middle = (int(rng.integers(columns)), int(rng.integers(rows)))
            cv2.circle(speck, middle, int(rng.integers(1, 5)), 255, -1, cv2.LINE_AA)
            value = np.where(speck > 0, float(rng.choice([12, 243])), value)
            cover = np.maximum(cover, speck)
        share = cover[..., None] / 255.0
        grainy = frame * (1 - share) + value[..., None] * share + rng.normal(0, GRAIN_LEVELS, frame.shape)
        aged.append(np.clip(np.rint(grainy), 0, 255).astype(np.uint8))
        masks.append(cover > 76)
    return aged, masks


def write(path: Path, frames: Sequence[np.ndarray]) -> None:
    """The film as a file, with a tone."""
    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream("libx264", rate=FRAMES_A_SECOND, options={"crf": "10"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        sound = film.add_stream("aac", rate=48000)
        for index, frame in enumerate(frames):
            raw = av.VideoFrame.from_ndarray(frame, format="rgb24")
            raw.pts, raw.time_base = index, Fraction(1, FRAMES_A_SECOND)
            film.mux(stream.encode(raw))
        film.mux(stream.encode())
        moments = np.arange(48000 * len(frames) // FRAMES_A_SECOND) / 48000
        wave = (0.3 * np.sin(moments * 440 * 2 * np.pi)).astype(np.float32)
        for start in range(0, len(wave) - 1024, 1024):
            both = np.stack([wave[start : start + 1024]] * 2)
            heard = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
            heard.sample_rate, heard.pts, heard.time_base = 48000, start, Fraction(1, 48000)
            film.mux(sound.encode(heard))
        film.mux(sound.encode(None))


def command(*arguments: str) -> dict[str, Any]:
    """What `vasari` tells as JSON; exits where it fails."""
    words = [sys.executable, "-m", "vasari.app.cli.main", *arguments, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"vasari {arguments[0]} failed with {done.returncode}: {done.stderr[-800:]}")
    return json.loads(done.stdout)


def read(path: Path) -> list[Tensor]:
    """All frames of a film, float32 [3, h, w]."""
    with FilmReader(path) as reader:
        return [frame.pixels() for frame in reader.frames()]


def sound_and_times(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Packets of the sound with their times, and the time stamp of every frame."""
    with av.open(str(path)) as film:
        heard = [(one.pts, one.duration, one.time_base, bytes(one)) for one in film.demux(audio=0) if one.size]
    with av.open(str(path)) as film:
        return heard, [(one.pts, one.time_base) for one in film.decode(video=0)]


def flicker(frames: Sequence[Tensor], motions: Sequence[Motion]) -> float:
    """Mean warping error, times 1000."""
    pairs = zip(itertools.pairwise(frames), motions, strict=True)
    return 1000 * mean(warping_error(after, before, moved) for (before, after), moved in pairs)


def detail(frames: Sequence[Tensor], reference: Sequence[Tensor]) -> float:
    """The share of the reference's fine detail that frames hold."""
    shares = []
    for one, other in zip(frames, reference, strict=True):
        fine, true = (pixels - low_pass(pixels, 1.5) for pixels in (one, other))
        shares.append(float((fine * true).sum() / true.square().sum()))
    return mean(shares)


class Nothing:
    """A treatment that leaves frames as they are."""

    machine: dict[str, str] = {}  # noqa: RUF012 - never changed
    paints = True

    def begin_shot(self, frame: Tensor) -> None:
        """Nothing."""

    def treat(self, frame: Tensor, survey: None) -> Tensor:
        """The frame."""
        return frame


def compare(task: Sequence[str], source: Path, motions: Sequence[Motion], folder: Path) -> dict[str, Any]:
    """One command steady and frame by frame."""
    steady, alone = folder / f"{task[0]}-steady", folder / f"{task[0]}-alone"
    told = command(task[0], str(source), *task[1:], "-o", str(steady))
    command(task[0], str(source), *task[1:], "-o", str(alone), "--film-steady", "0", "--film-fusion", "0")
    results, single = read(steady / source.name), read(alone / source.name)
    third = len(results) // 3
    values = (flicker(results, motions), flicker(single, motions))
    return {
        "frames a second": len(results) / told["entries"][0]["seconds"],
        "flicker": values[0],
        "flicker frame by frame": values[1],
        "ratio": values[0] / values[1],
        "detail early": detail(results[2 : third + 2], single[2 : third + 2]),
        "detail late": detail(results[-third:], single[-third:]),
        "sound and times equal": sound_and_times(steady / source.name) == sound_and_times(source),
    }


def fusion(clean: Sequence[np.ndarray], aged: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> dict[str, float]:
    """PSNR before and after, of some frames with two neighbors."""
    before: dict[str, list[float]] = {"all": [], "specks": []}
    after: dict[str, list[float]] = {"all": [], "specks": []}
    for index in range(1, min(len(clean) - 1, 7)):
        near = [planes(one) for one in aged[index - 1 : index + 2]]
        truth = planes(clean[index])
        made = fused(near[1], near[0], near[2], motion(near[0], near[1]), motion(near[1], near[2])).pixels
        for name, where in (("all", np.ones_like(masks[index])), ("specks", masks[index])):
            for kept, pixels in ((before, near[1]), (after, made)):
                error = (pixels - truth).square().mean(0)[torch.from_numpy(where)].mean()
                kept[name].append(float(-10 * torch.log10(error)))
    both = (("before", before), ("after", after))
    return {f"{name} {when}": mean(kept[name]) for name in before for when, kept in both}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style", default="", help="a named style or a picture; else no `vasari stylize`")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    width, height = (int(one) for one in options.size.split("x"))
    clean = clean_film(options.frames, width, height)
    aged, masks = aged_film(clean)
    motions = [motion(planes(one), planes(two)) for one, two in itertools.pairwise(clean)]
    report: dict[str, Any] = {"machine": machine.described(), "size": options.size, "frames": options.frames}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "clean.mp4", clean)
        write(folder / "aged.mp4", aged)
        start = time.perf_counter()
        treat_film(folder / "clean.mp4", Nothing(), FilmPlan(), folder / "nothing.mp4", folder / "segments")
        report["nothing done"] = {"frames a second": options.frames / (time.perf_counter() - start)}
        report["restore, aged"] = compare(["restore"], folder / "aged.mp4", motions, folder)
        keep = ["restore", "--tone", "keep"]
        report["restore, clean"] = compare(keep, folder / "clean.mp4", motions, folder / "clean")
        if options.style:
            report["stylize"] = compare(["stylize", "--style", options.style], folder / "clean.mp4", motions, folder)
    report["clean film"] = {"flicker": flicker([planes(one) for one in clean], motions)}
    report["fusion, PSNR"] = fusion(clean, aged, masks)
    for part, values in report.items():
        print(part)
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            print(f"  {key:28s} {value:.3f}" if isinstance(value, float) else f"  {key:28s} {value}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
