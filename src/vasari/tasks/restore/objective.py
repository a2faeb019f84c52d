"""What a restorer is trained for: detail, structure, tone, the damage mask and, for `vivid`, a critic's favor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.damage import ERAS, age
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, from_dict, option
from vasari.models import hub
from vasari.models.blocks import whole_window
from vasari.models.detectors import Detector
from vasari.models.losses import (
    CRITIC_LOSSES,
    alternation_beyond,
    energy_apart,
    in_the_tone_of,
    log_mean_square,
    luma,
    structural_dissimilarity,
)
from vasari.models.restorers import Restored, Restorer
from vasari.models.surveyor import Survey, quantiles
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.first_weights import first_network
from vasari.tasks.metrics import peak_signal_noise_ratio, structural_similarity
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.restore.beginning import from_their_beginning
from vasari.tasks.restore.critique import CRITICS, PENALTY_WEIGHTS, Critique
from vasari.tasks.restore.examples import ExamplesPlan, PooledThumbnails, RestoreExamples, load_photographs

VALIDATION_PICTURES = 18
VALIDATION_PX = 320
# Floors of the logarithmic losses, as mean square errors. The lower a floor, the more a sound picture counts
# beside a damaged one: at 45 dB some forty times, and neither fading nor scratches were learned.
TONE_FLOOR = 1e-3
DETAIL_FLOOR = 2e-4
CHROMA_FLOOR = 1e-5  # a critic's detail comes out tinted otherwise, in grey pictures, too
COVERED_WEIGHT = 4.0  # one pixel in some fifty is covered by a defect
ON_THUMBNAILS = ("curves", "field")  # what is learned from thumbnails alone
STANDARD_EXAMPLES = 64  # examples whose thumbnails set the scale of a fresh survey's statistics
# Of the quantiles' errors. Grain and marks stay whatever the tone: in an aged picture small errors of tone matter less.
QUANTILE_FLOORS = {"sound": 3e-4, "aged": 1.5e-3}
SOUND_MOVE = 0.006  # quantiles that must move less than that on average are those of a sound picture
# How much a pair counts, by what happened to it. Prints lose density far more often than they gain it, and how bright a
# scene was cannot be read from its print: what the survey expects decides.
PAIR_WEIGHTS = {"lighter": 2.5, "darker": 0.8, "sound": 1.0}
CRITIC_RATE = 2.0  # of the plan's learning rate
LUMA_SHARE = 0.5  # of the error: lightness counts beside the three channels, since a cast is not all of fading
THUMBNAILS = ("aged_thumbnails", "clean_thumbnails")
EVIDENCE = "aged_evidence"


@dataclass(frozen=True)
class RestoreObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh weights")
    detector: str = option("detect", "what tells a marked network where marks are: a bundled name, or a path")
    learn: str = option(
        "all",
        "'curves' trains the survey's curves alone, by regression; 'field' its uneven gain, on thumbnails; "
        "'repair' the U-Net and its steering, behind a tone that stays; 'decoder' its last blocks alone, stored as "
        "what differs from a bundled start_from; 'all' everything at once",
        choices=("all", *ON_THUMBNAILS, "repair", "decoder"),
    )
    still: bool = option(
        False, "begin with a survey that changes no tone, whatever start_from says: for noise alone, with learn=repair"
    )
    adversarial: str = option("", "kind of adversarial loss; empty for none", choices=("", *CRITIC_LOSSES))
    critic: str = option(
        "patch",
        "'patch' learns all by itself; 'projected' sees through the bundled encoder, and adds the perceptual loss",
        choices=CRITICS,
    )
    conditional: bool = option(False, "show a projected critic what the patch was restored from, too")
    steady: bool = option(False, "let the critic pull with the same strength at every step, however steep it is")
    texture: bool = option(
        False, "ask for as much fine detail as the clean patch has, wherever it lies, in no other colors or checks"
    )
    penalty_every: int = option(4, "steps between gradient penalties of the critic; 0 for none", minimum=0)
    penalty: str = option(
        "r1",
        "what holds the critic: 'r1' beside its spectral norm; in place of that norm 'wgan-gp', a gradient of length 1 "
        "at every step, or 'clip', weights within clip",
        choices=tuple(PENALTY_WEIGHTS),
    )
    clip: float = option(0.01, "largest weight of the critic where penalty is 'clip'", minimum=0.0)
    examples: ExamplesPlan = field(default_factory=ExamplesPlan)

    def __post_init__(self) -> None:
        check(self)
        if self.critic == "projected" and not self.adversarial:
            raise PlanError(
                "objective.critic=projected without an adversarial loss has nothing to judge.",
                remedy="set objective.adversarial, rpgan for one, or leave the critic out",
            )
        if self.critic == "projected" and self.penalty != "r1":
            raise PlanError(
                f"objective.penalty={self.penalty} is for a critic that learns all by itself.",
                remedy="leave it out, or use objective.critic=patch",
            )
        if (self.conditional and self.critic != "projected") or (self.steady and not self.adversarial):
            raise PlanError(
                "objective.conditional is for a projected critic, objective.steady for an adversarial loss.",
                remedy="set objective.critic=projected with objective.adversarial=rpgan, or leave them out",
            )
        if self.still and self.learn != "repair":
            raise PlanError(
                f"objective.still with objective.learn={self.learn}: what is to change no tone must not learn to.",
                remedy="use objective.learn=repair, or leave objective.still out",
            )
        if self.examples.grey and self.learn not in ON_THUMBNAILS:
            raise PlanError(
                f"objective.examples.grey has no meaning for objective.learn={self.learn}.",
                remedy=f"leave it out, or learn one of: {', '.join(ON_THUMBNAILS)}",
            )


class RestoreObjective(Objective):
    """Train a restorer on photographs aged by the simulator, with or without a critic.

    Learning all or the repair, the total is detail + content + structure + tone + damage (+ adversarial),
    each with its weight (`weights`). Detail is the error against the clean patch in the tone that the
    survey gave it, content the error against the clean patch itself; the critic sees the restored and the
    clean patch, both in that tone, so that it judges texture and not how well the fading was guessed.
    """

    def __init__(
        self,
        restorer: Restorer,
        header: Mapping[str, Any],
        data: tuple[Path, ...],
        plan: RestoreObjectivePlan,
        detector: Detector | None = None,
    ):
        self._restorer, self._header, self._data, self._plan = restorer, header, data, plan
        self._detector = detector
        self._critique = Critique(plan) if plan.adversarial else None
        self._photographs = load_photographs(data, plan.examples.exclude)
        self._grey = load_photographs([Path(plan.examples.grey)], "") if plan.examples.grey else {}
        self._examples: RestoreExamples | PooledThumbnails | None = None

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"restorer": self._restorer} | ({"critic": self._critique.critic} if self._critique else {})

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"detector": self._detector} if self._detector else {}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("restorer",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {
            "detail": 1.0,
            "content": 0.3,
            "structure": 0.5,
            "tone": 0.5,
            "quantiles": 0.5,
            "damage": 0.5,
            "energy": 0.5,
            "alternation": 2.0,
            "chroma": 0.15,
            "adversarial": 0.02,
            "perceptual": 0.2,
            "critic": 1.0,
            "penalty": PENALTY_WEIGHTS[self._plan.penalty],
        }

    @property
    def best(self) -> tuple[str, str]:
        return ("psnr", "max")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        folders = (*self._data, Path(self._plan.examples.grey)) if self._grey else self._data
        pictures = len(self._photographs) + len(self._grey)
        made_from = {"training_pictures": pictures, "training_data": describe_sources(folders)}
        return {"restorer": {**self._header, "task": "restore", **made_from, **self._upon}}

    @property
    def _upon(self) -> dict[str, Any]:
        """The bundled model that the weights are stored upon, where only the decoder learned."""
        first = self._plan.start_from
        return {"upon": hub.recorded(first)} if self._plan.learn == "decoder" and first in hub.bundled() else {}

    @property
    def turns(self) -> Sequence[Turn]:
        surveyor = self._restorer.surveyor
        if self._plan.learn == "curves":
            return (Turn("curves", (surveyor.hidden, surveyor.moves), self._curve_losses),)
        if self._plan.learn == "field":
            parts = (surveyor.layers, surveyor.deep, surveyor.field, surveyor.field_context)
            return (Turn("field", parts, self._field_losses),)
        restore = Turn("restore", self._repairing, self._restore_losses)
        if self._critique is None:
            return (restore,)
        return (Turn("critic", (self._critique.critic,), self._critic_losses, rate=CRITIC_RATE), restore)

    @property
    def _repairing(self) -> tuple[nn.Module, ...]:
        """What learns in the turn "restore": everything, or all but what sets the tone."""
        if self._plan.learn == "all":
            return (self._restorer,)
        if self._plan.learn == "decoder":
            u_net = self._restorer
            return (u_net.up_stack_2.blocks[-1], u_net.up_1, u_net.up_stack_1, u_net.tail)
        parts = [part for name, part in self._restorer.named_children() if name != "surveyor"]
        return (*parts, self._restorer.surveyor.context)

    def begin_step(self, step: int, images_seen: int) -> None:
        if self._critique is not None:
            self._critique.begin_step(step)
        surveyor = self._restorer.surveyor
        if step == 0 and not self._plan.start_from and self._examples is not None:
            shown = [self._examples[index] for index in range(STANDARD_EXAMPLES)]
            seen = [torch.cat([one[name] for one in shown]) for name in (THUMBNAILS[0], EVIDENCE)]
            surveyor.standardize(*(one.to(surveyor.mean.device) for one in seen))
        if self._plan.learn in ("field", "repair", "decoder"):
            surveyor.hidden.eval()  # its dropout would let the curves tremble

    def examples(self, seed: int) -> RestoreExamples | PooledThumbnails:
        plan = self._plan.examples
        fresh = RestoreExamples(self._photographs, plan, seed)
        self._examples = fresh
        if self._plan.learn in ON_THUMBNAILS:
            grey_pairs = round(plan.grey_share * plan.pool) if self._grey else 0
            sources = {fresh: plan.pool - grey_pairs}
            if grey_pairs:
                sources[RestoreExamples(self._grey, plan, seed + 1, grey=True)] = grey_pairs
            self._examples = PooledThumbnails(sources, 1 + plan.extra_thumbnails, seed)
        return self._examples

    def _field_losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"tone": self._tone_term(batch, self._surveyed(batch))}

    def _curve_losses(self, batch: Batch) -> dict[str, Tensor]:
        """How far the quantiles of red, green and blue, moved as the survey says, are from the clean ones."""
        given, truth = (quantiles(batch[name].flatten(0, 1))[:, :3] for name in THUMBNAILS)
        thumbnails, evidence = (batch[name].flatten(0, 1) for name in (THUMBNAILS[0], EVIDENCE))
        error = given + self._restorer.surveyor.quantile_moves(thumbnails, evidence) - truth
        sound = (truth - given).abs().mean((1, 2)) < SOUND_MOVE
        lighter = luma((truth - given)[..., None]).flatten(1).mean(1) < 0
        floor = torch.where(sound, QUANTILE_FLOORS["sound"], QUANTILE_FLOORS["aged"])
        weight = torch.where(lighter, PAIR_WEIGHTS["lighter"], PAIR_WEIGHTS["darker"])
        weight = weight.where(~sound, PAIR_WEIGHTS["sound"])
        of_channels = torch.log10(error.square().mean((1, 2)) + floor)
        of_lightness = torch.log10(luma(error[..., None]).square().flatten(1).mean(1) + floor)
        return {"quantiles": (weight * torch.lerp(of_channels, of_lightness, LUMA_SHARE)).sum() / weight.sum()}

    def _surveyed(self, batch: Batch) -> Survey:
        """The survey of all thumbnails [N·(1 + extra)], those of one example next to each other."""
        return self._restorer.survey_of(batch["aged_thumbnails"].flatten(0, 1), batch[EVIDENCE].flatten(0, 1))

    def _surveyed_patches(self, batch: Batch) -> Survey:
        """The survey of the regions that the patches are of [N]."""
        return self._restorer.survey_of(batch["aged_thumbnails"][:, 0], batch[EVIDENCE][:, 0])

    def _restored(self, batch: Batch, survey: Survey) -> Restored:
        """The patches restored, begun as whole pictures are."""
        return from_their_beginning(self._restorer, self._detector, batch["aged"], survey, batch["window"])

    def _tone_term(self, batch: Batch, survey: Survey) -> Tensor:
        """How far the surveyed thumbnails, their tone undone, are from the clean ones."""
        given, truth = (batch[name].flatten(0, 1) for name in THUMBNAILS)
        return log_mean_square(self._restorer.tone(given, survey, whole_window(given)), truth, TONE_FLOOR)

    def _restore_losses(self, batch: Batch) -> dict[str, Tensor]:
        survey = self._surveyed(batch)
        of_patches = survey.map(lambda one: one[:: batch["aged_thumbnails"].shape[1]])
        restored = self._restored(batch, of_patches)
        clean, covered, in_its_tone = batch["clean"], batch["mask"], self._in_its_tone(batch, restored)
        terms = {
            "detail": log_mean_square(restored.picture, in_its_tone, DETAIL_FLOOR),
            "content": log_mean_square(restored.picture, clean, TONE_FLOOR),
            "structure": structural_dissimilarity(restored.picture, clean),
            "damage": functional.binary_cross_entropy_with_logits(
                restored.damage_logits.float(), covered, pos_weight=covered.new_tensor(COVERED_WEIGHT)
            ),
        }
        if self._plan.learn == "all":
            terms["tone"] = self._tone_term(batch, survey)
        if self._plan.texture:
            terms["energy"] = energy_apart(restored.picture, in_its_tone)
            terms["alternation"] = alternation_beyond(restored.picture, in_its_tone)
            made, wanted = (one.float() - luma(one) for one in (restored.picture, in_its_tone))
            terms["chroma"] = log_mean_square(made, wanted, CHROMA_FLOOR)
        if self._critique is not None:
            terms |= self._critique.favor(in_its_tone, restored.picture, restored.toned)
        return terms

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        if self._critique is None:
            raise PlanError("There is no critic to train.", remedy="set objective.adversarial to a kind of loss")
        with torch.no_grad():
            restored = self._restored(batch, self._surveyed_patches(batch))
            clean = self._in_its_tone(batch, restored)
        return self._critique.losses(clean, restored.picture, restored.toned)

    def _in_its_tone(self, batch: Batch, restored: Restored) -> Tensor:
        """The clean patches in the tone that the survey gave the aged ones, which a still survey leaves as it is."""
        if self._plan.still:
            return batch["clean"]
        return in_the_tone_of(batch["clean"], restored.toned, batch["mask"])

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        restorer = networks["restorer"]
        if not isinstance(restorer, Restorer):
            raise TypeError("the restorer under validation is no Restorer")
        device = next(restorer.parameters()).device
        scores: dict[str, list[float]] = {"psnr": [], "ssim": [], "psnr_aged": [], "psnr_clean": []}
        grid: list[Tensor] = []
        for era, severity, clean in _validation_set(self._photographs):
            aged = age(clean, era=era, severity=severity, seed=severity)
            truth, given = aged.clean[None].to(device), aged.aged[None].to(device)
            made = restored_whole(restorer, given, self._detector)
            scores["psnr"].append(float(peak_signal_noise_ratio(made, truth)))
            scores["ssim"].append(float(structural_similarity(made, truth)))
            scores["psnr_aged"].append(float(peak_signal_noise_ratio(given, truth)))
            untouched = peak_signal_noise_ratio(restored_whole(restorer, truth, self._detector), truth)
            scores["psnr_clean"].append(min(60.0, float(untouched)))
            if len(grid) < 6:
                row = [functional.interpolate(one, (224, 224), mode="area")[0] for one in (given, made, truth)]
                grid.append(torch.stack(row).cpu().clamp(0, 1))
        metrics = {name: sum(values) / len(values) for name, values in scores.items()}
        return Validation(metrics, {"aged_restored_clean": torch.stack(grid)})


def restored_whole(restorer: Restorer, pixels: Tensor, detector: Detector | None = None) -> Tensor:
    """A picture [N, 3, h, w] small enough for one pass, restored and clipped to 0..1."""
    survey, whole = restorer.survey(pixels), whole_window(pixels)
    return from_their_beginning(restorer, detector, pixels, survey, whole).picture.float().clamp(0, 1)


def _validation_set(photographs: Mapping[str, Any]) -> list[tuple[str, int, Tensor]]:
    """Fixed (era, severity, picture): every era at every severity, on evenly chosen photographs.

    They are trained on too: what is held out here is their aging. `benchmarks/restore_aged.py`
    measures on photographs that were never shown.
    """
    names = list(photographs)
    chosen = [names[i * len(names) // VALIDATION_PICTURES] for i in range(VALIDATION_PICTURES)]
    eras = list(ERAS)
    result = []
    for position, name in enumerate(chosen):
        picture = torch.from_numpy(photographs[name].copy()).permute(2, 0, 1)[None].float() / 255
        factor = VALIDATION_PX / max(picture.shape[2:])
        size = [max(96, round(side * factor / 8) * 8) for side in picture.shape[2:]]
        small = functional.interpolate(picture, size, mode="area")[0]
        result.append((eras[position % len(eras)], 1 + position // len(eras) % 3, small))
    return result


def build(recipe: Recipe, data: tuple[Path, ...]) -> RestoreObjective:
    """The objective of a restore recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(RestoreObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    restorer, header = first_network(recipe, Restorer, "restorer", plan.start_from)
    if plan.still:
        restorer.surveyor.still()
    if not restorer.marked:
        if plan.detector != RestoreObjectivePlan.detector:
            raise PlanError(
                f"objective.detector={plan.detector} with a network that is told of no marks has no meaning.",
                remedy="leave it out, or set network.options.marked=true",
            )
        return RestoreObjective(restorer, header, data, plan)
    loaded = hub.load(plan.detector)
    if not isinstance(loaded.network, Detector):
        raise PlanError(f"objective.detector={plan.detector} is no detector.", remedy="leave it out")
    told = {"detector": {"name": loaded.name, "digest": loaded.digest}}
    return RestoreObjective(restorer, {**header, **told}, data, plan, loaded.network)
