"""Samples of a generator beside a set of pictures, and beside samples of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.models import model_files
from vasari.tasks.benchmark.bench import Setting, command_of, facts_of
from vasari.tasks.benchmark.cases import picture_of
from vasari.tasks.benchmark.ledger import key_of
from vasari.tasks.benchmark.peers import results_of
from vasari.tasks.benchmark.plans import GenerateBenchPlan
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.running import PEERS
from vasari.tasks.benchmark.summary import ALL, Estimate
from vasari.tasks.benchmark.tables import Table, with_interval
from vasari.tasks.evaluate.files import pictures_in
from vasari.tasks.evaluate.intervals import Comparison, compared_sets
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.outcome import Measured
from vasari.tasks.evaluate.pairs import Advance
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.sets import Truth

SAMPLES = "samples"
DIGITS = 4


def run(plan: GenerateBenchPlan, setting: Setting) -> Report:
    """Distances of sets, with intervals; raises `PlanError`, `WeightsError`, `PeerError`."""
    if not plan.data:
        raise PlanError("No pictures to compare with were named.", remedy="add --data DIR")
    judged = EvaluatePlan(
        mode="sets", network=plan.network, px=plan.px, neighbors=plan.neighbors, draws=plan.draws, seed=plan.seed,
        kept_features=max(EvaluatePlan.kept_features, plan.samples), cache=str(setting.folder / "features"),
    )  # fmt: skip
    name, told, folder = _samples(plan, setting)
    truth = Truth.of(pictures_in(plan.data), judged, Comparer.of(plan.network), _telling(setting, "the set"))
    found = [truth.measure(name, pictures_in(folder), _telling(setting, name))]
    for peer in setting.peers:
        pictures = results_of(
            peer, setting.folder / PEERS / peer.name, {"count": Path(str(plan.samples))}, str(plan.seed)
        )
        found.append(truth.measure(peer.name, pictures, _telling(setting, peer.name)))
    tests = [(one.method, test) for one in found[1:] for test in _compared(found[0], one)]
    protocol = [
        (
            "pictures",
            f"{Path(plan.data).expanduser().resolve().name}, {len(truth.names)} pictures; squares of {plan.px} px",
        ),
        (name, told),
        *((peer.name, peer.told) for peer in setting.peers),
        *((score.metric, score.protocol) for score in found[0].scores),
    ]
    estimates = [
        Estimate(one.method, ALL, score.metric, score.value, score.low, score.high, score.n, score.n)
        for one in found
        for score in one.scores
    ]
    return Report(
        "generate", "Generated sets", command_of("generate", plan, setting.peers), facts_of(plan), tuple(protocol),
        (_table(found), *_tests_table(name, tests)),
        tuple(f"{one.method}: {words}" for one in found for words in one.warnings), tuple(estimates),
        failed=tuple((one.method, *row) for one in found for row in one.failed),
        values={"tests": [{"versus": other, **vars(test)} for other, test in tests]},
    )  # fmt: skip


def _samples(plan: GenerateBenchPlan, setting: Setting) -> tuple[str, str, Path]:
    """The samples' method, what a protocol says of it, and their folder; those that are there are not made again."""
    from vasari.tasks.generate.apply import Sampler
    from vasari.tasks.generate.sampling_plan import SamplingPlan

    path = model_files.find(plan.model)
    digest = model_files.digest(path)
    folder = setting.folder / SAMPLES / key_of(digest, str(plan.seed), str(plan.samples))[:12]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [index for index in range(plan.samples) if not (folder / f"{index:06d}.png").is_file()]
    if missing:
        sampler = Sampler.of(path, SamplingPlan(seed=plan.seed, device=plan.device))
        for index in missing:
            pixels = sampler.finished(sampler.picture(plan.seed, index))
            image_files.write(picture_of(pixels), folder / f"{index:06d}.png")
            setting.advance(index + 1, plan.samples, f"sample {index + 1}")
    told = f"{plan.samples} samples of seed {plan.seed} of {path.stem} (sha256 {digest[:12]})"
    return f"vasari {path.stem}", told, folder


def _telling(setting: Setting, name: str) -> Advance:
    return lambda done, all: setting.advance(done, all, name)


def _compared(first: Measured, second: Measured) -> list[Comparison]:
    """Differences of the distances; of sets there is no p."""
    values = [
        {
            score.metric: (score.value, one.left_out[score.metric])
            for score in one.scores
            if score.metric in one.left_out
        }
        for one in (first, second)
    ]
    return compared_sets(values[0], values[1], min(one.scores[0].n for one in (first, second)))


def _table(found: Sequence[Measured]) -> Table:
    metrics = [score.metric for score in found[0].scores]
    rows = []
    for one in found:
        scores = {score.metric: score for score in one.scores}
        cells = [with_interval(s.value, s.low, s.high, DIGITS) for s in (scores[metric] for metric in metrics)]
        rows.append((one.method, str(one.scores[0].n), *cells))
    return Table("Distances and shares of sets", ("", "n", *metrics), tuple(rows))


def _tests_table(name: str, tests: Sequence[tuple[str, Comparison]]) -> list[Table]:
    rows = tuple(
        (f"{name} - {other}", one.metric, with_interval(one.difference, one.low, one.high, DIGITS, sign=True))
        for other, one in tests
    )
    return (
        [Table("Beside the others; of distances of sets there is no p.", ("difference", "of", "mean"), rows)]
        if rows
        else []
    )
