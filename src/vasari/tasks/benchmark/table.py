"""The table of benches, and `benchmark`, which runs one of them in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError, WriteError
from vasari.foundation.folder_locks import held
from vasari.tasks.benchmark import (
    aged,
    denoise,
    generate,
    inpaint,
    memory,
    robustness,
    speed,
    stylize,
)
from vasari.tasks.benchmark.bench import Bench, Setting
from vasari.tasks.benchmark.peers import parse_all
from vasari.tasks.benchmark.plans import (
    AgedPlan,
    DenoisePlan,
    GenerateBenchPlan,
    InpaintBenchPlan,
    MemoryPlan,
    RobustnessPlan,
    SpeedPlan,
    StylizeBenchPlan,
)
from vasari.tasks.benchmark.report import Report, write_report
from vasari.tasks.benchmark.running import Advance

FOLDER_MARK = "benchmark.json"

BENCHES: Mapping[str, Bench] = MappingProxyType(
    {
        "aged": Bench("aged photographs, restored: gains by era and severity", AgedPlan, aged.run),
        "robustness": Bench("what each damage costs, by era and severity; heat maps", RobustnessPlan, robustness.run),
        "denoise": Bench("Gaussian noise by its strength", DenoisePlan, denoise.run),
        "inpaint": Bench(
            "holes by their share of the picture", InpaintBenchPlan, inpaint.run, ("input", "mask", "output")
        ),
        "stylize": Bench(
            "distances from style and content", StylizeBenchPlan, stylize.run, ("input", "style", "output")
        ),
        "generate": Bench("samples beside a set of pictures", GenerateBenchPlan, generate.run, ("output",)),
        "speed": Bench("speed, as ratios within one run", SpeedPlan, speed.run, folders=False),
        "memory": Bench("peak memory on large scans", MemoryPlan, memory.run, folders=False),
    }
)
"""Bench -> what it is."""


def benchmark(
    name: str,
    plan: Any,
    folder: Path,
    peers: Sequence[str] = (),
    advance: Advance = lambda done, all, name: None,
) -> tuple[Report, Path]:
    """Run a bench in a folder of its own, and write its report there; the report and its page.

    `peers`: texts NAME=COMMAND or NAME=FOLDER (`peers.parse`). A killed run goes on where it was when it is run again.
    Raises `PlanError`, `PeerError`, `WeightsError`, `WriteError`, `MissingExtraError`.
    """
    if name not in BENCHES:
        raise PlanError(f"There is no bench {name!r}.", remedy=f"choose from: {', '.join(BENCHES)}")
    bench = BENCHES[name]
    ready = parse_all(peers, bench.needs)
    if not bench.folders and any(one.folder for one in ready):
        raise PlanError(f"{name} cannot measure a folder of results.", remedy="give --peer NAME=COMMAND")
    folder = folder.expanduser()
    _claim(folder, name)
    taken = WriteError(f"Another process works in {folder}.", remedy="wait for it, or name another folder")
    with held(folder / ".lock", taken=taken, unusable=WriteError, called=str(folder)):
        report = bench.run(plan, Setting(folder, ready, advance))
        return report, write_report(report, folder)


def _claim(folder: Path, name: str) -> None:
    """See that a folder is new, empty or of this bench, since files in it are written over; raises `PlanError`."""
    mark = folder / FOLDER_MARK
    told = json.dumps({"bench": name}).encode()
    if mark.is_file():
        if mark.read_bytes() != told:
            raise PlanError(f"{folder} holds another bench.", remedy="name a folder for each bench with --output")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PlanError(f"{folder} is not empty, and no bench wrote it.", remedy="name a new folder with --output")
    write_whole(mark, told)
