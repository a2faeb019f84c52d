"""Train the stylizer: the content held, the style's statistics met, and, if asked, a critic of patches pleased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.models import hub
from vasari.models.canvas import PERIOD_PX, on_canvas
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import FeatureNetwork, load_features
from vasari.models.losses_style import content_distance, gram, matrix_distance
from vasari.models.losses_translation import mean_absolute, total_variation
from vasari.models.style import Moments, moments
from vasari.models.stylizers import StyleDecoder
from vasari.tasks.adversary import Adversary
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.first_weights import first_network
from vasari.tasks.objectives import Batch, Examples, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.stylize.examples import Studio
from vasari.tasks.stylize.training_plan import NO_CRITIC, StylizeObjectivePlan

VALIDATION_SEED = 2**40
VALIDATION_EXAMPLES = 16
SHOWN = 8
CONTENT_DEPTHS = (2, 3)  # relu3_1 and relu4_1 of the features
LEAST_VARIANCE = 1e-4


class StylizeObjective(Objective):
    """One stylizer, the encoder frozen, and a critic where one is asked for.

    content + style + moments + own + variation (+ adversarial). `content` compares features whose channels were brought
    to mean 0 and deviation 1, so that it holds forms and leaves palettes free; `style` is the distance of Gram matrices
    (Gatys et al. 2016, eq. 4) and `moments` that of channel means and deviations (Huang & Belongie 2017, eq. 13), each
    depth divided by its target's size, so that all count alike; `own` is the mean absolute error of pictures
    that were given their own style, which a sound decoder gives back.

    Where contents are shown aged, all terms still ask for what they were before: restoring and stylizing are then
    learned by one network in one total, and what is given its own style before the aging has to come back restored.
    """

    def __init__(
        self,
        stylizer: StyleDecoder,
        encoder: Encoder,
        facts: Mapping[str, Any],
        studio: Studio,
        plan: StylizeObjectivePlan,
    ) -> None:
        self._stylizer, self._encoder, self._facts, self._studio, self._plan = stylizer, encoder, facts, studio, plan
        self._features: FeatureNetwork = load_features(plan.features)
        self._adversary = None if plan.adversarial == NO_CRITIC else Adversary(plan.adversarial)
        self._step, self._seen = 0, 0

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        critic = {"critic": self._adversary.critic} if self._adversary else {}
        return {"stylizer": self._stylizer, **critic}

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"encoder": self._encoder, "features": self._features}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("stylizer",)

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"stylizer": {**self._facts, "task": "stylize"}}

    @property
    def weights(self) -> Mapping[str, float]:
        critic = {"adversarial": 0.05, "critic": 1.0, "balance": 0.0} if self._adversary else {}
        return {"content": 1.0, "style": 1.0, "moments": 1.0, "own": 2.0, "variation": 0.1, **critic}

    @property
    def best(self) -> tuple[str, str] | None:
        return "total", "min"

    @property
    def data_report(self) -> Sequence[str]:
        return self._studio.lines()

    @property
    def turns(self) -> Sequence[Turn]:
        stylize = Turn("stylize", (self._stylizer,), self._losses)
        if self._adversary is None:
            return (stylize,)
        begin = self._plan.critic_from_images
        critic = Turn(
            "critic", (self._adversary.critic,), self._critic_losses, self._plan.critic_rate, starts_at_images=begin
        )
        return (critic, stylize)

    def begin_step(self, step: int, images_seen: int) -> None:
        self._step, self._seen = step, images_seen

    def examples(self, seed: int) -> Examples:
        return self._studio.examples(seed)

    def _made(self, stylizer: nn.Module, shown: Tensor, style: Tensor, own: Tensor | None = None) -> Tensor:
        """What is shown [N, 3, h, w] in the styles [N, 3, h', w'], the first of them in that of `own` [n, 3, h, w]."""
        top, left = (37 * self._step) % PERIOD_PX, (101 * self._step) % PERIOD_PX  # another part of it at every step
        with torch.no_grad():
            features = self._encoder(on_canvas(shown, top, left))
            mine, wanted = moments(features), moments(self._encoder(style))
            if own is not None and len(own):
                wanted = _replaced(wanted, moments(self._encoder(own)))
        made: Tensor = stylizer(features, mine, wanted)
        return made

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self._made(self._stylizer, batch["shown"], batch["style"])
        return self._required_adversary().losses(batch["style"], made, self._step)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        content, style = batch["content"], batch["style"]
        own = round(len(content) * self._plan.own_share)
        made = self._made(self._stylizer, batch["shown"], style, content[:own])
        terms = {"own": mean_absolute(made[:own], content[:own])} if own else {}
        restyled = made[own:]
        if len(restyled):
            terms |= self._distances(restyled, content[own:], style[own:])
            terms["variation"] = total_variation(restyled)
            if self._adversary and self._seen >= self._plan.critic_from_images:
                terms["adversarial"] = self._adversary.favor(style[own:], restyled)
        return terms

    def _distances(self, made: Tensor, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """Content, style and moments, each the mean over its depths."""
        with torch.no_grad():
            of_content, of_style = self._features(content), self._features(style)
        of_made = self._features(made)
        held = [content_distance(_standardized(of_made[d]), _standardized(of_content[d])) for d in CONTENT_DEPTHS]
        pairs = list(zip(of_made, of_style, strict=True))
        grams = [matrix_distance(gram(a), gram(b), "relative") for a, b in pairs]
        return {
            "content": torch.stack(held).mean(),
            "style": torch.stack(grams).mean(),
            "moments": torch.stack([_moments_distance(a, b) for a, b in pairs]).mean(),
        }

    def _required_adversary(self) -> Adversary:
        if self._adversary is None:
            raise PlanError("There is no critic.", remedy="set objective.adversarial")
        return self._adversary

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        """The distances on fixed crops of the training pictures, and what comes back in its own style."""
        examples = self._studio.examples(VALIDATION_SEED, recolored=0.0)
        items = [examples[index] for index in range(VALIDATION_EXAMPLES)]
        device = next(self._encoder.parameters()).device
        names = ("content", "shown", "style")
        content, given, style = (torch.stack([one[name] for one in items]).to(device) for name in names)
        made = self._made(networks["stylizer"], given, style)
        returned = self._made(networks["stylizer"], given, content)
        terms = self._distances(made, content, style) | {"own": mean_absolute(returned, content)}
        metrics = {name: float(value) for name, value in terms.items()}
        total = sum(self.weights[name] * value for name, value in metrics.items())
        beside = functional.interpolate(style, content.shape[2:]) if style.shape != content.shape else style
        grid = torch.stack([one[:SHOWN].float().cpu().clamp(0, 1) for one in (given, beside, made, returned)], 1)
        return Validation({**metrics, "total": total}, {"shown_style_made_returned": grid})


def _replaced(wanted: Moments, own: Moments) -> Moments:
    """The first of a batch of moments replaced by others."""

    def joined(one: Tensor, other: Tensor) -> Tensor:
        return torch.cat([other, one[len(other) :]])

    return Moments(
        tuple(joined(a, b) for a, b in zip(wanted.means, own.means, strict=True)),
        tuple(joined(a, b) for a, b in zip(wanted.deviations, own.deviations, strict=True)),
    )


def _standardized(features: Tensor) -> Tensor:
    """Each channel of each picture brought to mean 0 and deviation 1, float32."""
    return functional.instance_norm(features.float(), eps=LEAST_VARIANCE)


def _moments_distance(made: Tensor, style: Tensor) -> Tensor:
    """Squared distance of channel means and deviations over the target's own squares: scalar."""
    one, other = moments([made]), moments([style])
    squares = [
        ((a - b).square().mean(1) / (b.square().mean(1) + LEAST_VARIANCE)).mean()
        for a, b in ((one.means[0], other.means[0]), (one.deviations[0], other.deviations[0]))
    ]
    return squares[0] + squares[1]


def build(recipe: Recipe, data: tuple[str | Any, ...]) -> StylizeObjective:
    """The objective of a stylize recipe; raises `PlanError` for bad options, `TrainingError` for no data."""
    plan = from_dict(StylizeObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    loaded = hub.load(plan.encoder)
    if not isinstance(loaded.network, Encoder):
        raise PlanError(f"objective.encoder={plan.encoder} is no encoder.", remedy="leave it out")
    stylizer, facts = first_network(recipe, StyleDecoder, "stylizer", plan.start_from)
    studio = Studio(data, plan)
    about = {
        "encoder": {"name": loaded.name, "digest": loaded.digest},
        "training_pictures": studio.pictures,
        "training_data": describe_sources((*data, plan.styles)),
    }
    return StylizeObjective(stylizer, loaded.network.requires_grad_(False), {**facts, **about}, studio, plan)
