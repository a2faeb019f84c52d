"""PyTorch's files give their tensors in both layouts, and nothing in them runs."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from vasari.foundation.errors import WeightsError
from vasari.models.official import OFFICIAL
from vasari.models.torch_files import is_torch_file, read_torch

TABLE = {
    "apart": torch.arange(12.0).reshape(3, 4)[:, ::2],
    "integers": torch.arange(5),
    "parameter": nn.Parameter(torch.tensor([[1.5, -2.0]])),
    "none": torch.zeros(0, 3),
    "half": torch.tensor([0.1, 7.0]).half(),
    "brain": torch.tensor([0.3]).bfloat16(),
    "flag": torch.tensor([True, False]),
    "single": torch.tensor(3.0),
}


def saved(value: object, archive: bool) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=archive)
    return file.getvalue()


@pytest.mark.parametrize("archive", [True, False])
def test_tables_come_back_to_the_bit(archive: bool) -> None:
    data = saved({"state_dict": TABLE, "epoch": 3}, archive)
    assert is_torch_file(data)
    found = read_torch(data)
    assert set(found) == set(TABLE)
    for name, one in TABLE.items():
        assert found[name].dtype == one.dtype and torch.equal(found[name], one.detach())


@pytest.mark.parametrize("archive", [True, False])
def test_a_modules_state_loads_into_another(archive: bool) -> None:
    first, second = (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)) for _ in range(2))
    second.load_state_dict(read_torch(saved(first.state_dict(), archive)))
    assert torch.equal(first[0].weight, second[0].weight)  # type: ignore[arg-type]


class _Harm:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("archive", [True, False])
def test_what_could_run_is_refused_and_does_not(archive: bool, tmp_path: Path) -> None:
    data = saved({"weight": torch.ones(2), "harm": _Harm(tmp_path / "made")}, archive)
    with pytest.raises(WeightsError, match=r"more than tables of tensors \(a call of posix\.mkdir\)"):
        read_torch(data, "bad.pth")
    assert not (tmp_path / "made").exists()
    with pytest.raises(WeightsError, match="more than tables of tensors"):
        read_torch(saved(nn.Linear(2, 2), archive))


@pytest.mark.parametrize("archive", [True, False])
def test_damaged_files_are_told(archive: bool) -> None:
    data = saved({"weight": torch.rand(40, 40)}, archive)
    for length in (20, len(data) // 2, len(data) - 1000):
        with pytest.raises(WeightsError, match="no whole file of PyTorch's"):
            read_torch(data[:length], "cut.pth")


def test_a_tensor_beyond_its_numbers_is_refused() -> None:
    data = saved({"weight": torch.arange(4.0)}, True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (numbers,) = (name for name in parts if "/data/" in name)
    parts[numbers] = struct.pack("<2f", 1.0, 2.0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, one in parts.items():
            archive.writestr(name, one)
    with pytest.raises(WeightsError, match="beyond its numbers"):
        read_torch(file.getvalue())


def test_other_archives_and_damaged_ones_are_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(range(256)) * 4)
    damaged = bytearray(other.getvalue())
    damaged[45:60] = b"\xff" * 15
    letter = io.BytesIO()
    with zipfile.ZipFile(letter, "w") as archive:
        archive.writestr("letter.txt", "no tensors")
    for data in (bytes(damaged), letter.getvalue()):
        with pytest.raises(WeightsError, match="no whole file"):
            read_torch(data)


@pytest.mark.parametrize("kind", ["vgg", "alex"])
def test_official_lpips_weights_are_read_as_published(kind: str) -> None:
    spec = find_spec("torchmetrics")
    assert spec is not None and spec.origin is not None
    data = (Path(spec.origin).parent / "functional" / "image" / "lpips_models" / f"{kind}.pth").read_bytes()
    assert hashlib.sha256(data).hexdigest() == OFFICIAL[f"lpips-{kind}"].sha256
    found = read_torch(data)
    assert [one.shape[1] for one in found.values()] == {
        "vgg": [64, 128, 256, 512, 512], "alex": [64, 192, 384, 256, 256],
    }[kind]  # fmt: skip
    assert all(one.numpy().astype("<f4").tobytes() in data for one in found.values())
