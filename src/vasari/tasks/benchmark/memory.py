"""Peak memory of whole programs on scans of growing size, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vasari.foundation.image_files import Header, RowWriter
from vasari.tasks.benchmark.bench import Setting, command_of, facts_of
from vasari.tasks.benchmark.peers import TOLD_OF_A_LOG, Peer, PeerError, filled
from vasari.tasks.benchmark.plans import MemoryPlan
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.tables import Table, fixed

BLOCK_ROWS = 256
SUBJECTS = {"restore": ("{python}", "-m", "vasari.app.cli.main", "restore", "{input}", "-o", "{output}")}
MB = 2**20
# A process begins with the peak of the one that started it, which here has torch in it: a small one comes between.
LAUNCHER = """
import json, os, sys
report, *command = sys.argv[1:]
try:
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    found = [status, usage.ru_maxrss, None]
except OSError as error:
    found = [0, 0, [error.errno, error.strerror]]
with open(report, "w") as file:
    json.dump(found, file)
"""


@dataclass(frozen=True)
class Usage:
    """What a process used: its exit code, seconds, and the most resident memory in bytes, mapped files included."""

    exit_code: int
    seconds: float
    peak_bytes: int


def run(plan: MemoryPlan, setting: Setting) -> Report:
    """Peaks by side, and their growth; raises `PeerError` where a program fails. Nothing of a killed run is kept."""
    ours = Peer(f"vasari {plan.subject}", tuple(filled(SUBJECTS[plan.subject], {"python": sys.executable})))
    sides = sorted(plan.sides)
    found: dict[str, list[Usage]] = {}
    for place, side in enumerate(sides):
        with tempfile.TemporaryDirectory(dir=setting.folder, prefix="scan-") as folder:
            scan = make_scan(Path(folder).resolve() / f"scan-{side}.tif", side)
            for peer in (ours, *setting.peers):
                setting.advance(place, len(sides), f"{peer.name}, {side} px")
                found.setdefault(peer.name, []).append(_used(peer, scan, Path(folder).resolve() / "output"))
    rows = tuple(
        (name, *(f"{one.peak_bytes / MB:.0f} MB, {one.seconds:.1f} s" for one in usages),
         fixed(100 * (usages[-1].peak_bytes / usages[0].peak_bytes - 1), 0, sign=True) + " %")
        for name, usages in found.items()
    )  # fmt: skip
    head = ("", *(f"{side}×{side} px ({side * side / 1e6:.3g} MP)" for side in sides), "growth")
    protocol = (
        ("scans", "square 16-bit RGB TIFFs of smooth gradients with grain, uncompressed, seed 1"),
        (
            "memory",
            "largest resident memory of the process (ru_maxrss), pages of mapped files among it; one run each; what "
            "starts it takes some 10 MB, and no peak is told below that",
        ),
        *((peer.name, peer.told) for peer in setting.peers),
    )
    values = {
        name: [{"side_px": side, **asdict(one)} for side, one in zip(sides, usages)] for name, usages in found.items()
    }
    return Report(
        "memory", "Peak memory", command_of("memory", plan, setting.peers), facts_of(plan), protocol,
        (Table("Most memory, and seconds", head, rows),), values=values,
    )  # fmt: skip


def make_scan(path: Path, side_px: int, compression: str = "none") -> Path:
    """A square 16-bit RGB TIFF of smooth gradients with grain, written strip by strip."""
    header = Header("tiff", side_px, side_px, 3, 16, compression=compression)
    grain = np.random.default_rng(1).integers(0, 4096, (BLOCK_ROWS, side_px, 3), dtype=np.uint16)
    across = np.linspace(2000, 50000, side_px).astype(np.uint16)[None, :, None]
    with RowWriter(path, header, "tiff", verify=False) as writer:
        for top in range(0, side_px, BLOCK_ROWS):
            rows = min(BLOCK_ROWS, side_px - top)
            level = np.uint16(8000 * top // side_px)
            writer.append(np.roll(grain, top, axis=1)[:rows] + across + level)
    return path


def used(command: Sequence[str], log: Path) -> Usage:
    """Run a command to its end, what it says into `log`; raises `OSError` where it cannot be started."""
    report = log.with_suffix(".usage")
    began = time.perf_counter()
    with log.open("wb") as said:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, report, *command],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False,
        )  # fmt: skip
    status, peak, problem = json.loads(report.read_text(encoding="utf-8"))
    if problem:
        raise OSError(problem[0], problem[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(os.waitstatus_to_exitcode(status), time.perf_counter() - began, peak * unit)


def _used(peer: Peer, scan: Path, output: Path) -> Usage:
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    log = scan.with_suffix(".log")
    command = filled(peer.command, {"input": scan, "output": output})
    try:
        found = used(command, log)
    except OSError as error:
        raise PeerError(
            f"{peer.name} cannot be started: {error.strerror or error}: {command[0]}.",
            remedy="name a program that is installed, by its path where it is not found",
        ) from None
    if found.exit_code:
        words = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-TOLD_OF_A_LOG:]
        raise PeerError(f"{peer.name} failed with {found.exit_code}: {words}", remedy="run the command by hand")
    return found
