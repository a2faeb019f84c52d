"""What can be profiled: a task with all that it does to a picture, or a network by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.encoders import Encoder
from vasari.models.generators import Generator
from vasari.models.inpainters import Inpainter
from vasari.models.restorers import Restorer
from vasari.models.stylizers import Stylizer
from vasari.models.translators import Translator
from vasari.tasks.profile.plan import ProfilePlan
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.stylize.stylize_plan import StylizePlan

RESTORE, STYLIZE = "restore", "stylize"


@dataclass(frozen=True)
class Subject:
    """A name, its networks by name, where and how they compute, and `run` over a picture.

    `treats` tells whether a picture comes out, so that a folder can be forecast; `sized` whether the size of the
    picture counts at all.
    """

    name: str
    networks: Mapping[str, nn.Module]
    device: torch.device
    precision: torch.dtype
    run: Callable[[Picture], Picture | None]
    treats: bool
    sized: bool = True


def subject(named: str, plan: ProfilePlan) -> Subject:
    """What a name means: "restore", "stylize", a bundled model or a file; raises `PlanError`, `WeightsError`."""
    if named == RESTORE:
        return _restoring(plan)
    if named == STYLIZE:
        return _stylizing(plan)
    loaded = hub.load(named)
    if isinstance(loaded.network, Restorer):
        return _restoring(plan, named)
    if isinstance(loaded.network, Stylizer):
        return _stylizing(plan, named)
    return _alone(loaded, plan)


def _restoring(plan: ProfilePlan, model: str = RestorePlan.model) -> Subject:
    from vasari.tasks.restore.apply import treat_picture
    from vasari.tasks.restore.conservator import Conservator

    conservator = Conservator.of(RestorePlan(precision=plan.precision, device=plan.device, model=model))
    return Subject(
        RESTORE if model == RestorePlan.model else model,
        {"restorer": conservator.network},
        conservator.device,
        conservator.precision,
        lambda picture: treat_picture(picture, conservator),
        treats=True,
    )


def _stylizing(plan: ProfilePlan, model: str = StylizePlan.model) -> Subject:
    from vasari.tasks.stylize.apply import stylize_picture
    from vasari.tasks.stylize.hands import StyleHand
    from vasari.tasks.stylize.painter import Painter

    painter = Painter.of(StylizePlan((plan.style,), precision=plan.precision, device=plan.device, model=model))
    hand = cast(StyleHand, painter.hand)
    networks = {"encoder": hand.palette.coder.encoder, "stylizer": hand.stylizer}
    run = stylize_picture
    return Subject(
        STYLIZE if model == StylizePlan.model else model, networks, hand.device, hand.precision,
        lambda picture: run(picture, painter), treats=True,
    )  # fmt: skip


def _alone(loaded: hub.Loaded, plan: ProfilePlan) -> Subject:
    """A network that is simply called; raises `PlanError` for one that needs more than a picture."""
    device = choose_device(plan.device)
    precision = choose_precision(plan.precision, device)
    network = loaded.network.requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    call = _call(network, str(loaded.recipe["network"]["name"]))

    @torch.inference_mode()
    def run(picture: Picture) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            call(picture.pixels.expand(3, -1, -1)[None].to(device))

    sized = not isinstance(network, Generator)
    return Subject(loaded.name, {loaded.name: network}, device, precision, run, treats=False, sized=sized)


def _call(network: nn.Module, name: str) -> Callable[[Tensor], object]:
    if isinstance(network, Inpainter):
        return lambda pixels: network(pixels, torch.zeros_like(pixels[:, :1]))
    if isinstance(network, Generator):
        noise = torch.randn(1, network.latent, generator=torch.Generator().manual_seed(0))
        return lambda pixels: network(noise.to(pixels.device))
    if isinstance(network, (Encoder, Translator)) or NETWORKS[name].task in ("critic", "recognize"):
        return lambda pixels: network(pixels)
    raise PlanError(
        f"{name} cannot be profiled by itself: it needs more than a picture.",
        remedy=f"profile {RESTORE}, {STYLIZE}, or a model of another kind",
    )
