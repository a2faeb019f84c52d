"""From a recipe to the objective of its method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.translators import Translator
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.objectives import Objective
from vasari.tasks.recipe import Recipe
from vasari.tasks.translate.contrastive import ContrastiveObjective
from vasari.tasks.translate.cycle import CycleObjective
from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.paired import PairedObjective
from vasari.tasks.translate.plan import TranslateObjectivePlan


def build(recipe: Recipe, data: tuple[Path | str, ...]) -> Objective:
    """The objective of a translate recipe; raises `PlanError` for bad options, `TrainingError` for no data."""
    plan = from_dict(TranslateObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    translator, network = _first_translator(recipe, plan)
    domains = Domains(data, plan)
    sources = (*data, plan.target) if plan.target else tuple(data)
    facts = {"network": network, "training_pictures": domains.pictures, "training_data": describe_sources(sources)}
    try:
        if plan.method == "cyclegan":
            back, _ = _first_translator(recipe, plan)
            return CycleObjective(translator, back, facts, domains, plan)
        method = ContrastiveObjective if plan.method == "cut" else PairedObjective
        return method(translator, facts, domains, plan)
    except ValueError as error:
        raise PlanError(f"{recipe.name}.objective: {error}.", remedy="name layers that it has, or none") from error


def _first_translator(recipe: Recipe, plan: TranslateObjectivePlan) -> tuple[Translator, dict[str, Any]]:
    """The translator to begin with, and what the header says of it."""
    if plan.start_from:
        loaded = hub.load(plan.start_from)
        network, named = loaded.network, dict(loaded.recipe["network"])
    else:
        name, options = recipe.network.get("name", "translator"), dict(recipe.network.get("options", {}))
        network, named = _built(name, options), {"name": name, "options": options}
    if not isinstance(network, Translator):
        raise PlanError(f"{named['name']} is no translator.", remedy='use [network] name = "translator"')
    return network.train(), named


def _built(name: str, options: dict[str, Any]) -> Any:
    if name not in NETWORKS:
        raise PlanError(f"network.name={name} is not known.", remedy="use translator")
    try:
        return NETWORKS[name].build(**options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PlanError(f"network.options do not fit {name}: {error}.", remedy="correct [network.options]") from error
