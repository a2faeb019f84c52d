"""Speed as ratios within one run: the network against PyTorch's plain way, our whole command against other programs."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vasari.foundation import image_files
from vasari.foundation.picture import Picture
from vasari.tasks.benchmark.bench import Setting, command_of, facts_of
from vasari.tasks.benchmark.cases import as_saved, picture_of
from vasari.tasks.benchmark.peers import Peer, filled
from vasari.tasks.benchmark.peers import run as run_peer
from vasari.tasks.benchmark.plans import SpeedPlan
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.running import PEERS
from vasari.tasks.benchmark.summary import ALL, Estimate
from vasari.tasks.benchmark.tables import Table, fixed, with_interval
from vasari.tasks.evaluate.files import pictures_in
from vasari.tasks.evaluate.intervals import mean_interval
from vasari.tasks.profile.peak import synchronize
from vasari.tasks.profile.plan import ProfilePlan
from vasari.tasks.profile.subjects import Subject, subject

PLAIN = "plain PyTorch (eager float32, contiguous)"
Way = Callable[[], None]


class Contiguous(TorchFunctionMode):
    """PyTorch's default memory layout, whatever layout the network asks for."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        if function is Tensor.contiguous:
            return function(*arguments)
        return function(*arguments, **(options or {}))


def run(plan: SpeedPlan, setting: Setting) -> Report:
    """Ratios with intervals over rounds; nothing is kept of a killed run, since times compare within one alone."""
    side = max(8, round((plan.megapixels * 1e6) ** 0.5))
    picture = Picture(torch.rand(3, side, side, generator=torch.Generator().manual_seed(plan.seed)))
    programs, megapixels = _programs(plan, setting) if setting.peers else ({}, 0.0)
    networks = _networks(plan, picture)
    seconds = timed(networks, plan.rounds, setting)
    tables = [_table(f"The network alone, {side}×{side} px", seconds, PLAIN, side * side / 1e6, plan)]
    found = _estimates(seconds, PLAIN, plan)
    if programs:
        whole = timed(programs, plan.rounds, setting)
        ours = next(iter(programs))
        told = "Whole programs on a folder, start, reading and writing included"
        tables.append(_table(told, whole, ours, megapixels, plan))
        found += _estimates(whole, ours, plan)
        seconds |= whole
    protocol = (
        ("rounds", f"{plan.rounds} after one that does not count; all take turns in each; MP/s by the median round"),
        ("ratio", "geometric mean over rounds of the reference's seconds by the way's own; 95 % over rounds"),
        *((peer.name, peer.told) for peer in setting.peers),
    )
    return Report(
        "speed", f"Speed of {plan.subject}", command_of("speed", plan, setting.peers), facts_of(plan), protocol,
        tuple(tables), estimates=tuple(found), values={"seconds": {name: list(one) for name, one in seconds.items()}},
    )  # fmt: skip


def timed(ways: Mapping[str, Way], rounds: int, setting: Setting) -> dict[str, list[float]]:
    """Seconds of every way in every round; one round more goes before, which warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number:
                seconds[name].append(time.perf_counter() - began)
            setting.advance(number, rounds, name)
    return seconds


def ratio(reference: Sequence[float], own: Sequence[float], draws: int, seed: int) -> tuple[float, float, float]:
    """How many times as fast, with the ends of its interval, by the logarithms of the rounds."""
    logs = np.log(np.asarray(reference) / np.asarray(own))
    interval = mean_interval(logs, draws, seed)
    return math.exp(logs.mean()), math.exp(interval.low), math.exp(interval.high)


def _networks(plan: SpeedPlan, picture: Picture) -> dict[str, Way]:
    """The subject as shipped, in float32, and in PyTorch's defaults."""

    def ready(precision: str) -> Subject:
        return subject(plan.subject, ProfilePlan(precision=precision, device=plan.device, style=plan.style))

    shipped, plain = ready("auto"), ready("float32")

    def runs(one: Subject) -> Way:
        def go() -> None:
            one.run(picture)
            synchronize(one.device)

        return go

    layout = ready("float32")
    for network in layout.networks.values():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def by_default() -> None:
        with Contiguous():
            layout.run(picture)
        synchronize(layout.device)

    bits = str(shipped.precision).removeprefix("torch.")
    ways = {f"as shipped ({bits}, channels last)": runs(shipped)}
    if shipped.precision != torch.float32:
        ways["float32, channels last"] = runs(plain)
    return {**ways, PLAIN: by_default}


def _programs(plan: SpeedPlan, setting: Setting) -> tuple[dict[str, Way], float]:
    """Our command and the peers', each into an emptied folder of its own, and the megapixels that they work through."""
    data = Path(plan.data).expanduser().resolve() if plan.data else _made_up(plan, setting.folder)
    headers = [image_files.inspect(path) for path in pictures_in(data).values()]
    ours = [sys.executable, "-m", "vasari.app.cli.main", plan.subject, "{input}", "-o", "{output}"]
    ours += ["--style", plan.style] if plan.subject == "stylize" else []
    peers = [Peer(f"vasari {plan.subject}", tuple(ours)), *setting.peers]

    def way(peer: Peer) -> Way:
        def go() -> None:
            folder = setting.folder / PEERS / peer.name.replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as output:
                run_peer(
                    peer, filled(peer.command, {"input": data, "output": Path(output).resolve()}), folder / "log.txt"
                )

        return go

    return {one.name: way(one) for one in peers}, sum(one.width * one.height for one in headers) / 1e6


def _made_up(plan: SpeedPlan, folder: Path) -> Path:
    """A folder of smooth pictures with grain."""
    side = max(64, round((plan.megapixels * 1e6) ** 0.5))
    target = folder / "speed-input"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for number in range(plan.pictures):
        generator = torch.Generator().manual_seed(plan.seed + number)
        coarse = torch.rand(1, 3, 8, 8, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0]
        pixels = as_saved(smooth + 0.05 * torch.randn(3, side, side, generator=generator))
        image_files.write(picture_of(pixels), target / f"picture-{number:02d}.png")
    return target.resolve()


def _estimates(seconds: Mapping[str, Sequence[float]], reference: str, plan: SpeedPlan) -> list[Estimate]:
    found = []
    for name, own in seconds.items():
        value, low, high = ratio(seconds[reference], own, plan.draws, plan.seed)
        found.append(Estimate(name, ALL, f"times as fast as {reference}", value, low, high, len(own), len(own)))
    return found


def _table(
    title: str, seconds: Mapping[str, Sequence[float]], reference: str, megapixels: float, plan: SpeedPlan
) -> Table:
    rows = []
    for name, own in seconds.items():
        told = with_interval(*ratio(seconds[reference], own, plan.draws, plan.seed), 2)
        median = float(np.median(own))
        cells = (
            fixed(median, 3),
            fixed(min(own), 3),
            fixed(megapixels / median, 2),
            "1" if name == reference else told,
        )
        rows.append((name, *cells))
    return Table(title, ("", "seconds, median", "fastest", "MP/s", f"times as fast as {reference}"), tuple(rows))
