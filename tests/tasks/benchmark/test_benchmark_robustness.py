"""The matrix of robustness: one damage at a time, all else equal; what it costs and gains; its maps."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.foundation.damage import DAMAGES, ERAS
from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark import plans
from vasari.tasks.benchmark.heat_maps import matrix_of
from vasari.tasks.benchmark.methods import GIVEN
from vasari.tasks.benchmark.plans import RobustnessPlan
from vasari.tasks.benchmark.robustness import Cell, cells_of
from vasari.tasks.benchmark.running import Row
from vasari.tasks.benchmark.single_damages import ALONE, aged, materials, single_cases
from vasari.tasks.benchmark.sources import sources
from vasari.tasks.benchmark.table import benchmark


def plan(photos: Path, **more: object) -> RobustnessPlan:
    return RobustnessPlan(data=str(photos), count=1, long_side_px=64, **more)  # type: ignore[arg-type]


def test_the_eras_of_the_plans_are_those_of_the_simulator() -> None:
    assert tuple(ERAS) == plans.ERAS


def test_one_damage_is_toggled_and_all_else_stays(photos: Path) -> None:
    asked = plan(photos, eras=("autochrome",), severities=(3,))
    clean = sources(asked.data, 1, 64)
    cases = list(single_cases(clean, asked).each())
    base = next(one for one in cases if one.groups["damage"] == "base" and one.groups["era"] == "autochrome")
    toggles = {one.groups["damage"]: one.groups["toggled"] for one in cases if one.groups["era"] == "autochrome"}
    assert {"added", "removed"} <= set(toggles.values())
    # By hand: the drawn set, less or more the one damage, gives each picture.
    chosen = frozenset(name for name, how in toggles.items() if how == "removed")
    truth = clean.read(0)[1]
    place = [one.name for one in materials(asked)].index("autochrome")
    seed = [asked.seed, 0, place, 3]
    assert base.given.equal(aged(truth, False, 3, seed, chosen))
    for one in cases:
        if one.groups["era"] == "autochrome" and one.groups["damage"] in ("dust", "jpeg", "grain"):
            assert one.given.equal(aged(truth, False, 3, seed, chosen ^ {one.groups["damage"]}))
            assert not one.given.equal(base.given)
    # Dust that is added late changes few pixels where nothing that spreads comes after it.
    dusty, plain = (aged(truth, False, 3, seed, frozenset(names)) for names in (("cast", "dust"), ("cast",)))
    share = float((dusty != plain).any(0).float().mean())
    assert 0 < share < 0.5


def test_alone_the_picture_is_clean_and_what_does_nothing_is_left_out(photos: Path) -> None:
    asked = plan(photos, eras=("color-print", "albumen"), severities=(1,), damages=("tint_monochrome", "cast", "jpeg"))
    cases = list(single_cases(sources(asked.data, 1, 64), asked).each())
    alone = [one for one in cases if one.groups["era"] in ALONE]
    for one in alone:
        assert one.groups["damage"] == "base" or not one.given.equal(one.truth)
    clean = next(one for one in alone if one.groups["era"] == "alone, color" and one.groups["damage"] == "base")
    assert clean.given.equal(clean.truth)
    known = {(one.groups["era"], one.groups["damage"]) for one in alone}
    assert ("alone, grey", "tint_monochrome") in known and ("alone, color", "tint_monochrome") not in known


def test_gains_and_costs_are_those_of_the_pair(photos: Path) -> None:
    def rows(era: str, damage: str, toggled: str, given: float, after: float) -> list[Row]:
        groups = {"era": era, "severity": "2", "damage": damage, "toggled": toggled}
        name = f"p-{era}-{damage}"
        scores = [(GIVEN, {"psnr": given, "ssim": 0.5}), ("ours", {"psnr": after, "ssim": 0.75})]
        return [Row(method, name, "p", groups, values) for method, values in scores]

    found = [
        *rows("albumen", "base", "base", 20, 24),
        *rows("albumen", "dust", "added", 18, 23.5),
        *rows("albumen", "fold", "removed", 22, 27),
        *rows("alone, grey", "base", "base", 60, 44),
        *rows("alone, grey", "dust", "added", 45, 38),
    ]
    cells = {(one.era, one.damage): one for one in cells_of(found, "ours")}
    dust, fold = cells["albumen", "dust"], cells["albumen", "fold"]
    assert (dust.gain, dust.cost_given, dust.cost_after, dust.gain_ssim) == (5.5, 2, 0.5, 0.25)
    # The fold was there: the picture as drawn is that with it.
    assert (fold.gain, fold.cost_given, fold.cost_after) == (4, 2, 3)
    alone = cells["alone, grey", "dust"]
    assert alone.gain == -2 and math.isnan(alone.cost_after)  # from 45, which counts as 40, to 38


def test_a_map_has_its_cells_where_they_belong() -> None:
    cell = Cell("ours", "albumen", 2, "dust", 1, 1.5, 0, 0, 0)
    cells = [cell, dataclasses.replace(cell, era="newspaper", severity=1, damage="fold", gain=-2.0)]
    found = matrix_of(cells, ["albumen", "newspaper"], [1, 2], ["fold", "dust"], lambda one: one.gain)
    assert np.array_equal(found, [[np.nan, np.nan, -2, np.nan], [np.nan, 1.5, np.nan, np.nan]], equal_nan=True)


def test_a_whole_run_writes_maps_tables_and_cells(photos: Path, tiny_restorer: Path, tmp_path: Path) -> None:
    asked = plan(
        photos, eras=("albumen", "color-print"), severities=(1, 3), damages=("dust", "fade_density"),
        model=str(tiny_restorer),
    )  # fmt: skip
    report, page = benchmark("robustness", asked, tmp_path / "run")
    told = page.read_text()
    assert not report.failed and "<svg" in told and not re.search(r"<script|<link|(src|href)=.http", told)
    with Image.open(tmp_path / "run" / "robustness.png") as drawn:
        assert drawn.width > 300
    cells = report.values["cells"]
    assert {(one["era"], one["severity"], one["damage"]) for one in cells} >= {
        (era, severity, damage)
        for era in ("albumen", "color-print")
        for severity in (1, 3)
        for damage in ("dust", "fade_density")
    }
    lines = (tmp_path / "run" / "cells.csv").read_text().splitlines()
    assert len(lines) == len(cells) + 1 and lines[0].startswith("method,era,severity,damage")
    rows = {(row.method, row.case): row.scores for row in report.rows}
    one = next(c for c in cells if (c["era"], c["severity"], c["damage"]) == ("albumen", 3, "dust"))
    case = next(row.case for row in report.rows if row.case.endswith("albumen-3-dust"))
    base = case.replace("-dust", "-base")
    sign = 1 if next(r for r in report.rows if r.case == case).groups["toggled"] == "added" else -1
    after = [rows["vasari tiny", name]["psnr"] for name in (base, case)]
    assert one["cost_after"] == pytest.approx(sign * (after[0] - after[1]))


def test_unknown_damages_are_refused(photos: Path, tiny_restorer: Path, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no damage 'rust'.*dust"):
        benchmark("robustness", plan(photos, damages=("rust",), model=str(tiny_restorer)), tmp_path / "run")
    assert "dust" in DAMAGES


def test_damages_that_no_era_knows_are_refused(photos: Path) -> None:
    with pytest.raises(PlanError, match="No era of albumen knows starch_grain"):
        materials(plan(photos, eras=("albumen",), damages=("starch_grain",)))
