"""The network that a recipe trains: fresh, or with the weights of a model to begin with."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn

from vasari.foundation.errors import PlanError
from vasari.models import hub
from vasari.models.cards import built
from vasari.tasks.recipe import Recipe

N = TypeVar("N", bound=nn.Module)


def first_network(recipe: Recipe, kind: type[N], default: str, start_from: str = "") -> tuple[N, dict[str, Any]]:
    """The network of a recipe in training mode, and the header {"network": {"name", "options"}} of its weights files.

    `default` is its name where the recipe gives none; `start_from`, a model's name or path, decides name and options.
    Raises `PlanError` for an unknown name or option and for a network of another `kind`, `WeightsError` for no model.
    """
    if start_from:
        loaded = hub.load(start_from)
        network, facts = loaded.network, dict(loaded.recipe["network"])
    else:
        facts = {"name": recipe.network.get("name", default), "options": dict(recipe.network.get("options", {}))}
        network = built(facts["name"], facts["options"])
    if not isinstance(network, kind):
        raise PlanError(
            f"{facts['name']} is no {kind.__name__.lower()}, which a recipe of kind {recipe.kind} trains.",
            remedy=f'use [network] name = "{default}"',
        )
    return network.train(), {"network": facts}
