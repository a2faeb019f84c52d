"""What the tests of batches into buckets share: scans, what becomes of them in a folder, and what a bucket holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.buckets import Bucket
from vasari.tasks.batch.terms import BatchOptions, Summary
from vasari.tasks.restore.batch import restore_files
from vasari.tasks.restore.plan import RestorePlan


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


@pytest.fixture
def plan(tiny_restorer: Path) -> RestorePlan:
    return RestorePlan(model=str(tiny_restorer), evidence=True)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small scans, which no test here changes."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "box").mkdir()
    Image.fromarray(data.astronaut()[:60, 150:230]).save(folder / "pilot.jpg", quality=92)
    Image.fromarray(data.camera()[100:150, 200:270]).save(folder / "camera.png")
    Image.fromarray(data.coffee()[50:110, 100:180]).save(folder / "box" / "coffee.tif")
    return folder


@pytest.fixture(scope="module")
def in_a_folder(scans: Path, tiny_restorer: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the batch writes into a folder."""
    output = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1000000000")
        run(scans, output, RestorePlan(model=str(tiny_restorer), evidence=True))
    return in_folder(output)


@pytest.fixture
def seen(bucket: BucketAddress) -> Bucket:
    """The bucket, as another program sees it."""
    return Bucket(bucket)


def run(scans: Path, output: Path | BucketAddress, plan: RestorePlan, watch: Any = None, **options: Any) -> Summary:
    return restore_files([scans], BatchOptions(output, **options), plan, watch)


def in_folder(folder: Path) -> dict[str, bytes]:
    """Everything in an output folder but the ledger, whose lines tell seconds."""
    files = (one for one in folder.rglob("*") if one.is_file() and ".vasari" not in one.parts)
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files if one.name != "ledger.jsonl"}


def in_bucket(bucket: Bucket) -> dict[str, bytes]:
    """The same of a bucket; nothing else may be there but the ledger."""
    names = {name for name, _ in bucket.listed()}
    return {name: bucket.read(name) or b"" for name in names - {"ledger.jsonl"}}


def told(bucket: Bucket) -> list[dict[str, Any]]:
    """The lines of the ledger in the bucket."""
    return [json.loads(one) for one in (bucket.read("ledger.jsonl") or b"").splitlines()]


def of_camera(files: dict[str, bytes]) -> dict[str, bytes]:
    """What belongs to one of the scans."""
    return {name: one for name, one in files.items() if name.startswith("camera")}


class Dying:
    """Calls through, but for call number `moment`, in which the process is taken to die."""

    class Died(BaseException):
        pass

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def __call__(self, action: Any) -> Any:
        def step(*arguments: Any, **options: Any) -> Any:
            self.moment -= 1
            if self.moment == -1:
                raise self.Died
            return action(*arguments, **options)

        return step
