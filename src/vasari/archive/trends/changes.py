"""Change points of a feature in this collection: PELT proposes, shuffled careers decide, a card tells each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vasari.archive.trends.careers import Careers
from vasari.archive.trends.chance import Judge, probability, remembering_strengths, shuffled_strengths
from vasari.archive.trends.curves import single_column
from vasari.archive.trends.partition import cuts_of, marks_of, step_size
from vasari.archive.trends.place import refined_cut
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.sampling import Sums, sample
from vasari.archive.trends.works import Works

DRIVERS_ON_CARD = 5


@dataclass(frozen=True)
class Driver:
    """An artist, and the share of a change that would be gone without their works; below 0 they stood against it."""

    artist: str
    share: float


@dataclass(frozen=True)
class ChangePoint:
    """The card of one change; years are astronomical.

    `year` is the first of the new level, `earliest` and `latest` hold it in the plan's confidence;
    `effect` is the level after less that before, in the feature's unit, `effect_sd` in standard
    deviations of works around their level. `p` is corrected for the other changes and features;
    `p_careers` and `p_years` are those of the two kinds of chance. `stability` is the share of draws that find it
    within the plan's tolerance.
    """

    feature: str
    year: int
    earliest: int
    latest: int
    effect: float
    effect_sd: float
    p: float
    p_careers: float
    p_years: float
    drivers: tuple[Driver, ...]
    stability: float


@dataclass(frozen=True)
class Changes:
    """The change points of one feature, in order of time, and how many were proposed.

    `line_fits_better` warns that a straight line describes the series better than these steps (by BIC):
    what looks like breaks may be steady change.
    """

    feature: str
    points: tuple[ChangePoint, ...]
    proposed: int
    line_fits_better: bool


def change_points(
    features: Mapping[str, Works], plan: TrendPlan | None = None, sums: Mapping[str, Sums] | None = None
) -> dict[str, Changes]:
    """Change points of several features of an archive, with Holm's correction over the features.

    Each table has one column and no groups. `sums` are the draws that `trend` made of a feature (`Ground`),
    where they are at hand. Within a feature the strongest proposal is tested first, against the archive as
    it is; once it holds, its step is taken out and the next is tested; the first that fails ends it. So
    the chance of any false change in an archive without change is at most `plan.significance`.
    Raises `PlanError` for a table with several columns.
    """
    plan = plan or TrendPlan()
    tested = {name: _tested(name, works, plan, sums.get(name) if sums else None) for name, works in features.items()}
    return _corrected(tested, plan)


def _corrected(tested: Mapping[str, Changes], plan: TrendPlan) -> dict[str, Changes]:
    """Holm 1979 over the first p of every feature; the factor of a feature holds for its later changes."""
    firsts = {name: min((point.p for point in found.points), default=1.0) for name, found in tested.items()}
    order = sorted(firsts, key=lambda name: (firsts[name], name))
    result: dict[str, Changes] = {}
    floor = 0.0
    for rank, name in enumerate(order):
        factor = len(order) - rank
        points = [replace(point, p=min(1.0, max(floor, factor * point.p))) for point in tested[name].points]
        floor = min(1.0, max(floor, factor * firsts[name]))
        kept = tuple(point for point in points if point.p <= plan.significance)
        result[name] = replace(tested[name], points=kept)
    return {name: result[name] for name in tested}


def _tested(name: str, works: Works, plan: TrendPlan, sums: Sums | None) -> Changes:
    """The proposals of one feature that chance does not explain, before the correction over features."""
    single_column(works)
    careers = Careers.of(works, plan)
    judge = Judge.of(careers, plan)
    weights, totals = judge.damped(*careers.series())
    before, noise = judge.divided(weights[None], totals[None])
    cuts = _placed(careers, judge, cuts_of(before[0]))
    held = _held_cuts(careers, judge, cuts, float(noise[0]), plan)
    if not held:
        return Changes(name, (), len(cuts), False)
    sums = sums or sample(works, plan)
    drawn = judge.damped(*_binned(sums, careers))
    edges = [0, *_placed(careers, judge, sorted(held)), careers.bins]
    held = dict(zip(edges[1:], (held[cut] for cut in sorted(held))))
    scale = _spread_within(careers, edges)
    marks = marks_of(judge.divided(*drawn)[0])
    points = []
    for begin, cut, end in zip(edges, edges[1:], edges[2:]):
        step, _ = step_size(*careers.series(), begin, cut, end)
        earliest, latest = _interval(*drawn, (begin, cut, end), judge.least_bins, plan.confidence)
        reach = plan.tolerance_years // careers.bin_years
        again = marks[:, max(0, cut - reach) : cut + reach + 1].any(1).mean()
        overall, by_careers, by_years = held[cut]
        points.append(
            ChangePoint(
                name, careers.first_year(cut), careers.first_year(earliest), careers.first_year(latest), step,
                step / scale if scale > 0 else 0.0, overall, by_careers, by_years,
                _drivers(careers, works, (begin, cut, end), step), float(again),
            )
        )  # fmt: skip
    return Changes(name, tuple(points), len(cuts), _line_fits_better(weights, totals, edges))


def _held_cuts(
    careers: Careers, judge: Judge, cuts: list[int], noise: float, plan: TrendPlan
) -> dict[int, tuple[float, float, float]]:
    """Cut -> p, p of the shuffled careers, p of the remembering noise; the strongest first, until one fails.

    A cut is as strong as it is at its refined place, which costs it something; chance is weighed at its best
    places. So the test errs on the side of finding no change.
    """
    weights, totals = judge.damped(*careers.series())
    edges = [0, *cuts, len(weights)]
    savings = {
        cut: step_size(weights, totals, begin, cut, end)[1] / noise if noise > 0 else 0.0
        for begin, cut, end in zip(edges, edges[1:], edges[2:])
    }
    remembering = remembering_strengths(weights, totals, judge, np.random.default_rng([plan.seed, 3]))
    held: dict[int, tuple[float, float, float]] = {}
    worst = 0.0
    for rank, cut in enumerate(sorted(savings, key=lambda one: (-savings[one], one))[: plan.most_changes]):
        shuffled = shuffled_strengths(careers, judge, np.random.default_rng([plan.seed, 2, rank]))
        by_years = probability(savings[cut], remembering, plan.permutations)
        by_careers = probability(savings[cut], shuffled, plan.permutations) if by_years <= plan.significance else 1.0
        worst = max(worst, by_careers, by_years)
        if worst > plan.significance:
            break
        held[cut] = worst, by_careers, by_years
        place = edges.index(cut)
        step, _ = step_size(*careers.series(), edges[place - 1], cut, edges[place + 1])
        careers = careers.without_step(cut, step)
    return held


def _placed(careers: Careers, judge: Judge, cuts: list[int]) -> list[int]:
    """Every cut at its best place between its neighbors."""
    edges = [0, *cuts, careers.bins]
    for place in range(1, len(edges) - 1):
        edges[place] = refined_cut(careers, edges[place - 1], edges[place], edges[place + 1], judge.least_bins)
    return edges[1:-1]


def _binned(sums: Sums, careers: Careers) -> tuple[np.ndarray, np.ndarray]:
    """Sampled votes and totals [draws, bins]."""
    place = (sums.years - careers.begin) // careers.bin_years
    starts = np.flatnonzero(np.diff(place, prepend=place[0] - 1))
    result = []
    for table in (sums.sampled_votes[:, 0], sums.sampled_totals[:, 0, 0]):
        wide = np.zeros((len(table), careers.bins))
        wide[:, place[starts]] = np.add.reduceat(table, starts, axis=1)
        result.append(wide)
    return result[0], result[1]


def _interval(
    weights: np.ndarray, totals: np.ndarray, segment: tuple[int, int, int], least_bins: int, confidence: float
) -> tuple[int, int]:
    """Between which bins the best place of the cut lies, over the draws [draws, bins], between its neighbors."""
    begin, cut, end = segment
    places = np.arange(begin + least_bins, end - least_bins + 1)
    if not len(places):
        return cut, cut
    held = np.cumsum(np.pad(weights[:, begin:end], ((0, 0), (1, 0))), axis=1)
    summed = np.cumsum(np.pad(totals[:, begin:end], ((0, 0), (1, 0))), axis=1)
    left, below = held[:, places - begin], summed[:, places - begin]
    right, above = held[:, -1:] - left, summed[:, -1:] - below
    saved = np.divide(below**2, left, out=np.zeros_like(left), where=left > 0)
    saved += np.divide(above**2, right, out=np.zeros_like(left), where=right > 0)
    best = places[saved.argmax(1)]
    low, high = np.quantile(best, [0.5 - confidence / 2, 0.5 + confidence / 2], method="inverted_cdf")
    return int(min(low, cut)), int(max(high, cut))


def _drivers(careers: Careers, works: Works, segment: tuple[int, int, int], step: float) -> tuple[Driver, ...]:
    """The artists without whom the step would be least, the first first."""
    begin, cut, end = segment
    artists = len(works.artist_names)
    sums = []
    for low, high in ((begin, cut), (cut, end)):
        inside = (careers.bin >= low) & (careers.bin < high)
        of = careers.artist[inside]
        sums.append((np.bincount(of, careers.weight[inside], artists), np.bincount(of, careers.total[inside], artists)))
    (left, below), (right, above) = sums
    rest_left, rest_right = left.sum() - left, right.sum() - right
    after = np.divide(above.sum() - above, rest_right, out=np.full(artists, np.nan), where=rest_right > 0)
    before = np.divide(below.sum() - below, rest_left, out=np.full(artists, np.nan), where=rest_left > 0)
    shares = np.nan_to_num(1 - (after - before) / step) if step else np.zeros(artists)
    order = np.lexsort((np.arange(artists), -shares))[:DRIVERS_ON_CARD]
    return tuple(Driver(works.artist_names[row], float(shares[row])) for row in order if shares[row] > 0)


def _spread_within(careers: Careers, edges: list[int]) -> float:
    """Standard deviation of works around the levels between the edges."""
    weights, totals = careers.series()
    held, summed = np.add.reduceat(weights, edges[:-1]), np.add.reduceat(totals, edges[:-1])
    levels = np.divide(summed, held, out=np.zeros_like(held), where=held > 0)
    between = np.average((levels - summed.sum() / held.sum()) ** 2, weights=held)
    return float(np.sqrt(max(careers.spread - between, 0.0)))


def _line_fits_better(weights: np.ndarray, totals: np.ndarray, edges: list[int]) -> bool:
    """Whether a straight line leaves less than the levels between the edges, each charged for its parameters (BIC)."""
    seen = weights > 0
    held, means, place = weights[seen], totals[seen] / weights[seen], np.flatnonzero(seen).astype(np.float64)
    line = np.polynomial.Polynomial.fit(place, means, 1, w=np.sqrt(held))
    left_by_line = float((held * (means - line(place)) ** 2).sum())
    segment = np.searchsorted(edges[1:-1], place, side="right")
    count = len(edges) - 1
    levels = np.bincount(segment, held * means, count) / np.maximum(np.bincount(segment, held, count), 1e-300)
    left_by_steps = float((held * (means - levels[segment]) ** 2).sum())
    if min(left_by_line, left_by_steps) <= 0:
        return left_by_line < left_by_steps
    bins, parameters = len(held), {"line": 2, "steps": 2 * count - 1}
    line_score = bins * np.log(left_by_line / bins) + parameters["line"] * np.log(bins)
    return bool(line_score < bins * np.log(left_by_steps / bins) + parameters["steps"] * np.log(bins))
