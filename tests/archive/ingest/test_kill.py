"""`kill -9` at any instant of adding, and a full disk: nothing lost, doubled or half visible; the next run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.schema import FILES, WORKS
from vasari.archive.store import Archive

#: As many as the issue asks for take half an hour: VASARI_KILLS=200.
KILLS = int(os.environ.get("VASARI_KILLS", "40"))


def _pictures(folder: Path, clouds: Callable[..., np.ndarray], number: int) -> Path:
    folder.mkdir()
    for seed in range(number):
        Image.fromarray(clouds(seed, 96, 72)).save(folder / f"{seed:03d}.png")
    return folder


def _kill(tmp_path: Path, pictures: Path, kills: int) -> dict[str, float]:
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(script), str(pictures), str(tmp_path), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 30 * kills, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_three_kills_harm_nothing(tmp_path: Path, clouds: Callable[..., np.ndarray]) -> None:
    assert _kill(tmp_path, _pictures(tmp_path / "pictures", clouds, 8), 3)["kills"] == 3


@pytest.mark.slow
def test_many_kills_harm_nothing(tmp_path: Path, clouds: Callable[..., np.ndarray]) -> None:
    assert _kill(tmp_path, _pictures(tmp_path / "pictures", clouds, 30), KILLS)["kills"] == KILLS


@pytest.mark.parametrize("first_to_fill", [pytest.param("database", marks=pytest.mark.slow), "masters"])
def test_a_disk_that_fills_leaves_nothing_half_and_the_next_run_goes_on(tmp_path: Path, first_to_fill: str) -> None:
    """A limit on the size of any file stands for the disk."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    random = np.random.default_rng(1)
    side = 1200 if first_to_fill == "masters" else 60
    for number in range(4):
        noise = random.integers(0, 256, (side if number else 60, side if number else 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(pictures / f"{number}.tif")
    folder = tmp_path / "archive"
    Archive.create(folder).close()
    limit = 4_000_000 if first_to_fill == "masters" else 36_000
    command = [sys.executable, "-m", "vasari.app.cli.main", "archive", "add", str(pictures), "-a", str(folder)]
    full = subprocess.run(
        [*command, "--copy", "--workers", "1"],
        capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert full.returncode == 1 and "remedy" in full.stderr, full.stderr
    assert ("copied" in full.stderr) is (first_to_fill == "masters"), full.stderr
    assert [one.name for one in (folder / "masters").rglob("*") if one.name.startswith(".")] == []
    for master in (folder / "masters").glob("??/??/*"):
        assert hashlib.sha256(master.read_bytes()).hexdigest() == master.stem
    with Archive.open(folder) as archive, archive.reading() as connection:
        kept = connection.execute(select(func.count()).select_from(FILES)).scalar_one()
        assert kept == connection.execute(select(func.count()).select_from(WORKS)).scalar_one() < 4
    with Archive.open(folder) as archive:
        assert add(archive, [str(pictures)], AddPlan(copy=True, workers=1)).counts["failed"] == 0
        with archive.reading() as connection:
            assert connection.execute(select(func.count()).select_from(FILES)).scalar_one() == 4
