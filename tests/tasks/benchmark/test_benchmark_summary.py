"""From rows to numbers: the photograph is the unit, gains are paired, p is corrected over all tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vasari.tasks.benchmark.methods import GIVEN
from vasari.tasks.benchmark.running import Row
from vasari.tasks.benchmark.summary import ALL, differences, estimates, find, groups_of, worse_share


def row(method: str, photo: str, era: str, value: float | None) -> Row:
    scores = None if value is None else {"psnr": value}
    return Row(method, f"{photo}-{era}", photo, {"era": era}, scores, "" if scores else "why")


def all_rows(photos: int = 12) -> list[Row]:
    rng = np.random.default_rng(0)
    found = []
    for index in range(photos):
        base = rng.normal(25, 4)
        for era, worse in (("old", 3.0), ("new", 0.0)):
            found.append(row(GIVEN, f"p{index}", era, base - worse))
            found.append(row("ours", f"p{index}", era, base - worse + 1 + rng.normal(0, 0.3)))
            found.append(row("peer", f"p{index}", era, base - worse + rng.normal(0, 0.3)))
    return found


def test_means_are_over_photographs_and_gains_paired() -> None:
    rows = all_rows()
    found = estimates(rows, ["psnr"], groups_of(rows), 500, 0)
    assert groups_of(rows) == [("era", "old"), ("era", "new"), ALL]
    one = find(found, "ours", ALL, "psnr")
    assert (one.photos, one.cases) == (12, 24)
    assert one.value == pytest.approx(np.mean([r.scores["psnr"] for r in rows if r.method == "ours" and r.scores]))
    gain = find(found, "ours", ("era", "old"), "psnr gain")
    assert gain.low < 1 < gain.high and gain.high - gain.low < 1 < one.high - one.low
    # Each photograph twice: no narrower than once, since its cases say the same again.
    once = find(estimates([r for r in rows if r.groups["era"] == "new"], ["psnr"], [ALL], 500, 0), "ours", ALL, "psnr")
    assert one.high - one.low == pytest.approx(once.high - once.low, rel=0.1)
    assert find(found, "nobody", ALL, "psnr").cases == 0


def test_the_share_that_is_worse_is_of_pairs() -> None:
    rows = [row(GIVEN, "a", "x", 20), row(GIVEN, "b", "x", 30), row("ours", "a", "x", 19), row("ours", "b", "x", 31)]
    assert worse_share(rows, "ours", ALL, "psnr") == 0.5
    assert np.isnan(worse_share(rows, "peer", ALL, "psnr"))


def test_differences_are_tested_over_what_both_have() -> None:
    rows = all_rows()
    rows = [r if r.case != "p3-old" or r.method != "peer" else row("peer", "p3", "old", None) for r in rows]
    ((name, one),) = differences(rows, "ours", ["psnr"], 2000, 0)
    assert name == "peer" and one.pictures == 12 and one.p < 0.01 and one.adjusted == one.p
    by_photo = {}
    for r in rows:
        if r.method in ("ours", "peer") and r.scores and r.case != "p3-old":
            by_photo.setdefault(r.photo, {}).setdefault(r.method, []).append(r.scores["psnr"])
    pairs = [(np.mean(v["ours"]), np.mean(v["peer"])) for v in by_photo.values()]
    assert one.difference == pytest.approx(np.mean([a - b for a, b in pairs]))
    assert one.p < 0.01 and stats.wilcoxon([a - b for a, b in pairs]).pvalue < 0.01


def test_p_is_corrected_over_all_peers() -> None:
    rows = all_rows() + [row("second", r.photo, r.groups["era"], r.scores["psnr"] + 0.5) for r in all_rows()
                         if r.method == GIVEN and r.scores]  # fmt: skip
    found = differences(rows, "ours", ["psnr"], 2000, 0)
    assert [name for name, _ in found] == ["peer", "second"]
    smallest = min(one.p for _, one in found)
    assert min(one.adjusted for _, one in found) == pytest.approx(2 * smallest)
