"""Pictures in the style of others: the distance from the style, and from the content."""

from __future__ import annotations

from collections.abc import Iterator

from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.bench import Setting
from vasari.tasks.benchmark.cases import Case, Cases
from vasari.tasks.benchmark.measures import StyleDistances
from vasari.tasks.benchmark.methods import nothing_done, stylizing
from vasari.tasks.benchmark.plans import StylizeBenchPlan
from vasari.tasks.benchmark.quality import Material, held, reported, score_table
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.sources import Sources, sources
from vasari.tasks.benchmark.summary import ALL
from vasari.tasks.evaluate.network import Comparer


def run(plan: StylizeBenchPlan, setting: Setting) -> Report:
    """Both distances over all pairs; raises `PlanError`, `WeightsError`, `PeerError`."""
    if not plan.styles:
        raise PlanError("No style pictures were named.", remedy="add --styles DIR")
    ours = stylizing(plan.model, plan.passes, plan.precision, plan.device)
    clean, lost = sources(plan.data, plan.count, plan.long_side_px, plan.names).readable()
    styles, lost_styles = sources(plan.styles, 0, plan.long_side_px).readable()
    comparer = Comparer.of(plan.network)
    told = f"{clean.told}, long side {plan.long_side_px} px, each in {plan.styles_each} styles of {styles.told} in turn"
    material = Material(styled_cases(clean, styles, plan), told, StyleDistances(comparer), (*lost, *lost_styles))
    results = held(plan, material, [nothing_done(), ours], setting)
    notes = []
    if comparer.label == "vasari":
        notes.append(
            "The distances are those of the bundled encoder, by which the bundled stylizer was taught: they flatter "
            "it. Name an independent network with --network."
        )
    tables = [score_table(results, ALL, "Distances; lower is nearer. “given” is the picture itself.")]
    return reported("stylize", "Stylization", plan, material, results, setting, tables, notes)


def styled_cases(clean: Sources, styles: Sources, plan: StylizeBenchPlan) -> Cases:
    """Every picture with the next styles in turn."""
    each_takes = min(plan.styles_each, len(styles))

    def each() -> Iterator[Case]:
        for index in range(len(clean)):
            name, pixels = clean.read(index)
            for number in range(each_takes):
                style_name, style = styles.read((index + number) % len(styles))
                yield Case(f"{name}-{style_name}", name, {"style": style_name}, pixels, pixels, style=style)

    return Cases(len(clean) * each_takes, each)
