"""Copies are found among training pictures, mirrored too, and the test for them is Mann and Whitney's."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image
from torch import Tensor

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode, PlanError
from vasari.models import hub
from vasari.models.backbones import read_backbone
from vasari.models.cards import NETWORKS
from vasari.tasks.explain.explaining import explain_samples
from vasari.tasks.explain.nearest import copy_test, described, nearest_of
from vasari.tasks.explain.nearest_sheet import CELL_PX, sheet
from vasari.tasks.explain.plan import ExplainPlan


def pictures(count: int, seed: int) -> Tensor:
    """uint8 [n, 3, 32, 32]: smooth random colors."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    found = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in small]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)


def test_copies_are_found_plain_and_mirrored() -> None:
    network = read_backbone().network
    training, samples = pictures(12, 1), pictures(4, 2).clone()
    samples[1], samples[2] = training[7], training[3].flip(2)
    known, own = described(network, training), described(network, samples)
    found = nearest_of(own, described(network, samples.flip(3)), known, 3)
    assert found.indices.shape == (4, 3)
    assert (int(found.indices[1, 0]), bool(found.mirrored[1, 0])) == (7, False)
    assert (int(found.indices[2, 0]), bool(found.mirrored[2, 0])) == (3, True)
    assert float(found.distances[[1, 2], 0].max()) < 1e-3 < float(found.distances[[0, 3], 0].min())
    assert all(len(set(row)) == 3 for row in found.indices.tolist())
    assert bool((found.distances.diff(dim=1) >= 0).all())


@pytest.mark.parametrize(("shift", "rounded"), [(0.0, False), (0.7, False), (0.3, True)])
def test_the_copy_test_is_scipys(shift: float, rounded: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    samples, held_out = torch.rand(40, generator=generator), torch.rand(25, generator=generator) + shift
    if rounded:  # ties
        samples, held_out = (samples * 5).round(), (held_out * 5).round()
    found = copy_test(samples, held_out)
    theirs = scipy.stats.mannwhitneyu(
        held_out.numpy(), samples.numpy(), alternative="greater", use_continuity=False, method="asymptotic"
    )
    assert found.share == pytest.approx(theirs.statistic / (40 * 25))
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-4)
    assert copy_test(torch.zeros(9), torch.zeros(9)).p == pytest.approx(0.5)


def test_the_sheet_shows_samples_beside_what_is_nearest() -> None:
    training, samples = pictures(6, 1), pictures(3, 2)
    flat = [one.float().flatten(1) for one in (samples, samples.flip(3), training)]
    found = nearest_of(*flat, 2)
    page = np.asarray(Image.open(io.BytesIO(sheet(samples, training, [f"{n}" for n in range(6)], found, 2))))
    first = int(found.distances[:, 0].argmin())
    shown = page[36 : 36 + CELL_PX, 6 : 6 + CELL_PX]
    array = samples[first].permute(1, 2, 0).numpy()
    expected = np.asarray(Image.fromarray(array).resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(shown, expected)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"px": 16, "latent": 8, "width": 4}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = NETWORKS["dcgan"].build(**options)
    path = tmp_path_factory.mktemp("models") / "made.safetensors"
    return hub.save(network, path, {"network": {"name": "dcgan", "options": options}, "task": "generate"})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    found = []
    for seed, name in ((1, "training"), (5, "held-out")):
        folder = tmp_path_factory.mktemp(name)
        for number, one in enumerate(pictures(10, seed)):
            Image.fromarray(one.permute(1, 2, 0).numpy()).save(folder / f"{name}{number}.png")
        found.append(folder)
    return found[0], found[1]


def test_a_generator_is_explained(generator: Path, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (folders[0] / "broken.png").write_bytes(b"no picture")
    plan = ExplainPlan(
        generator=str(generator), training=str(folders[0]), held_out=str(folders[1]), samples=8, neighbors=3
    )
    facts = explain_samples(tmp_path, plan)
    (folders[0] / "broken.png").unlink()
    assert (facts["training_pictures"], facts["not_read"], facts["samples"]) == (10, 1, 8)
    assert 0 <= facts["share_nearer_than_these"] <= 1 and facts["compared_with"] == "held-out pictures"
    with np.load(tmp_path / "made.nearest.npz", allow_pickle=False) as arrays:
        assert arrays["distances"].shape == (8, 3) and arrays["samples"].shape == (8, 3, 16, 16)
        assert set(arrays["names"]) == {f"training{number}" for number in range(10)}
        assert np.median(arrays["distances"][:, 0]) == pytest.approx(facts["median_distance_of_samples"], rel=1e-5)
    assert {"made.generator.html", "made.generator.json", "made.nearest.png"} <= {p.name for p in tmp_path.iterdir()}


def test_a_generators_errors_are_told(generator: Path, folders: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    with pytest.raises(PlanError, match="none were named"):
        explain_samples(tmp_path, ExplainPlan(generator=str(generator)))
    (tmp_path / "few").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "few" / "one.png")
    with pytest.raises(PlanError, match="8 or more"):
        explain_samples(tmp_path, ExplainPlan(generator=str(generator), training=str(tmp_path / "few"), samples=8))
    assert main(["explain", "-o", str(tmp_path)]) == ExitCode.USAGE
    command = ["explain", str(folders[0] / "training0.png"), "--generator", str(generator), "-o", str(tmp_path)]
    assert main(command) == ExitCode.USAGE
    assert "Both a picture and a generator" in capsys.readouterr().err
