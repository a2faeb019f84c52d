"""Each method trains some steps on a tiny folder, resumes exactly, and has the terms it should have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data as photographs

from vasari.foundation.errors import PlanError, TrainingError, VasariError
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.tasks.recipe import build_objective, read_recipe, train_recipe

RECIPES = ("pix2pix", "cyclegan", "cut", "portrait")
SMALL = (
    "train.images=12",
    "train.batch=4",
    "train.workers=0",
    "train.precision=float32",
    "train.log_every_steps=1",
    "train.warmup_images=0",
    "train.validate_every_images=0",
    "network.options.widths=[8, 12]",
    "network.options.depth=1",
    "objective.pictures.px=32",
    "objective.pictures.stored_px=48",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Two folders of photographs with names alike, and one for the decoded cache."""
    root = tmp_path_factory.mktemp("domains")
    sources = (photographs.astronaut(), photographs.coffee(), photographs.chelsea())
    for name in ("photographs", "paintings", "cache"):
        (root / name).mkdir()
    for number, pixels in enumerate(sources):
        small = Image.fromarray(pixels).resize((80, 64))
        small.save(root / "photographs" / f"{number}.png")
        small.quantize(6).convert("RGB").save(root / "paintings" / f"{number}.png")
    return root / "photographs", root / "paintings", root / "cache"


def settings(folders: tuple[Path, Path, Path], *more: str, target: bool) -> tuple[str, ...]:
    named = (f"objective.target={folders[1]}",) if target else ()
    return (*SMALL, f"objective.pictures.cache={folders[2]}", *named, *more)


def log_of(run: RunFolder) -> list[dict[str, float]]:
    timed = ("images_per_second", "seconds")
    return [{key: one for key, one in line.items() if key not in timed} for line in run.read_log()]


@pytest.mark.parametrize(
    ("name", "more", "target"),
    [
        ("pix2pix", ("network.options.normalization=batch",), False),
        ("pix2pix", ("objective.pairing=folders",), True),
        ("cyclegan", ("objective.adversarial=hinge", "objective.penalty_every=2"), True),
        ("cut", ("objective.adversarial=rpgan",), True),
    ],
)
def test_a_method_trains_and_resumes_exactly(
    name: str, more: tuple[str, ...], target: bool, folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ready = settings(folders, *more, target=target)
    whole, parted = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parted")
    assert train_recipe(name, (folders[0],), whole.path, ready)["finished"]
    hurried = (*ready, "train.stop_after_minutes=1e-5")
    assert train_recipe(name, (folders[0],), parted.path, hurried)["steps"] == 1
    assert train_recipe(name, (folders[0],), parted.path, ready, resume=True)["finished"]
    one, other = whole.read_checkpoint(), parted.read_checkpoint()
    assert one is not None and other is not None
    assert [key for key in one.tensors if not torch.equal(one.tensors[key], other.tensors[key])] == []
    # The stopped run was validated where it stopped; its other lines are those of the whole run.
    assert [line for line in log_of(parted) if "translate.total" in line] == [
        line for line in log_of(whole) if "translate.total" in line
    ]
    published = sorted(path.name for path in whole.path.glob("last*.safetensors"))
    assert all(0 <= line["critic.balance"] <= 1 for line in log_of(whole) if "critic.total" in line)
    penalized = "objective.penalty_every=2" in more
    assert any("critic.penalty" in line for line in log_of(whole)) == penalized
    both = ["last-back.safetensors", "last-forth.safetensors"]
    assert published == (both if name == "cyclegan" else ["last.safetensors"])
    recipe = hub.load(whole.path / published[0]).recipe
    assert recipe["network"]["name"] == "translator" and recipe["task"] == "translate"
    assert recipe["method"] == name
    assert recipe["working_px"] == (72 if "objective.pairing=folders" in more else 0)
    assert [entry["folder"] for entry in recipe["training_data"]] == ["photographs", "paintings"][: 1 + target]


CONTENT = {"pix2pix": {"content"}, "cyclegan": {"cycle", "identity"}, "cut": {"contrastive", "identity"}}


@pytest.mark.parametrize("name", CONTENT)
def test_replacing_the_content_leaves_its_terms_out(
    name: str, folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ready = settings(folders, "train.images=4", target=name != "pix2pix")
    logged, networks = {}, {}
    for content in ("preserve", "replace"):
        run = RunFolder(tmp_path / content)
        train_recipe(name, (folders[0],), run.path, (*ready, f"objective.content={content}"))
        logged[content] = {key for key in run.read_log()[0] if key.startswith("translate.")}
        objective = build_objective(read_recipe(name, (*ready, f"objective.content={content}")), (folders[0],))
        networks[content] = set(objective.networks)
        assert logged[content] - {f"translate.{term}" for term in objective.weights} == {
            f"translate.{word}" for word in ("total", "gradient_norm", "rate")
        }
    assert logged["preserve"] - logged["replace"] == {f"translate.{term}" for term in CONTENT[name]}
    assert "translate.adversarial" in logged["replace"]
    assert networks["preserve"] - networks["replace"] == ({"projection"} if name == "cut" else set())


def test_a_weight_for_content_that_is_replaced_is_refused(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    ready = settings(folders, "objective.content=replace", "losses.cycle=10.0", target=True)
    with pytest.raises(PlanError, match=r"losses\.cycle is no term"):
        train_recipe("cyclegan", (folders[0],), tmp_path / "run", ready)


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("cyclegan", "objective.pairing=aged", "no meaning for method=cyclegan"),
        ("cyclegan", "objective.start_from=weights", "cyclegan trains two"),
        ("cut", "objective.target=", "no second domain"),
        ("cut", "objective.layers=[9]", "last layer of this translator is 3"),
        ("pix2pix", "objective.target=somewhere", "made from --data"),
        ("pix2pix", "objective.pictures.px=36", "multiple of 8"),
        ("pix2pix", "objective.severities=[]", "severities is empty"),
        ("pix2pix", "objective.severities=[4]", "above 3"),
        ("pix2pix", "objective.method=magic", "choose from"),
        ("pix2pix", "objective.adversarial=", "choose from"),
        ("pix2pix", "network.options.normalization=layer", "must be one of"),
        ("pix2pix", "network.options.width=3", "unexpected keyword"),
        ("pix2pix", "network.name=restorer", "network.options do not fit"),
        ("pix2pix", "network.name=patch-critic", "network.options do not fit"),
        ("pix2pix", "network.name=nothing", "is not known"),
    ],
)
def test_bad_options_are_refused(name: str, setting: str, message: str, folders: tuple[Path, Path, Path]) -> None:
    ready = settings(folders, setting, target=name != "pix2pix")
    with pytest.raises(VasariError, match=message):
        build_objective(read_recipe(name, ready), (folders[0],))


def test_another_network_is_refused(folders: tuple[Path, Path, Path], tiny_restorer: Path) -> None:
    ready = settings(folders, f"objective.start_from={tiny_restorer}", target=False)
    with pytest.raises(PlanError, match="restorer is no translator"):
        build_objective(read_recipe("pix2pix", ready), (folders[0],))


def test_pairs_come_from_one_folder_and_its_partner(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    ready = settings(folders, "objective.pairing=folders", target=True)
    with pytest.raises(PlanError, match="Got 2 sources"):
        build_objective(read_recipe("pix2pix", ready), (folders[0], folders[0]))
    (tmp_path / "other.png").write_bytes((folders[0] / "0.png").read_bytes())
    with pytest.raises(TrainingError, match="partner of the same name"):
        build_objective(read_recipe("pix2pix", ready), (tmp_path,))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_ships_builds(name: str, folders: tuple[Path, Path, Path]) -> None:
    target = (f"objective.target={folders[1]}",) if name in ("cyclegan", "cut") else ()
    recipe = read_recipe(name, (f"objective.pictures.cache={folders[2]}", *target))
    objective = build_objective(recipe, (folders[0],))
    assert set(recipe.train.losses) <= set(objective.weights)
    item = objective.examples(0)[0]
    px = recipe.objective["pictures"]["px"]
    assert {key: tuple(one.shape) for key, one in item.items()} == {"source": (3, px, px), "target": (3, px, px)}
    largest = max(sum(one.numel() for one in network.parameters()) for network in objective.networks.values())
    assert largest < 3_000_000
