"""An explanation written out: maps as pictures and as arrays, numbers as JSON, all on one page."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.image_formats import Limits
from vasari.foundation.picture import Picture
from vasari.tasks.explain.criticizing import critic_maps
from vasari.tasks.explain.drawing import drawn
from vasari.tasks.explain.generating import explain_generator
from vasari.tasks.explain.maps import Map, end_of
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.explain.restoring import restoration_maps
from vasari.tasks.explain.styling import style_maps
from vasari.tasks.restore.plan import DEFAULT_MODEL
from vasari.tasks.training_page_style import STYLE

Advance = Callable[[int, int], None]
SHEET_WORDS = "samples, each with its nearest training pictures and their distances"


def explain(path: Path, folder: Path, plan: ExplainPlan, advance: Advance = lambda done, all: None) -> dict[str, Any]:
    """Explain a scan into a folder: NAME.restoration.html (or .style, .critic), .json, a PNG and an .npy for every map.

    The numbers that stand in the JSON come back. Raises `PictureError`, `PlanError`, `WeightsError`, `WriteError`.
    """
    picture = _read(path, plan)
    _check_one_subject(plan)
    if plan.critic:
        maps, pixels, facts = _of_critic(picture, plan, advance)
    elif plan.style:
        maps, pixels, facts = _of_style(picture, plan)
    else:
        maps, pixels, facts = _of_restoration(picture, plan, advance)
    shown = []
    for one in maps:
        array = one.values.float().numpy()
        write_whole(folder / f"{path.stem}.{one.name}.npy", _npy(array))
        png = drawn(array, pixels, one.low, one.high, one.words, one.around)
        shown.append((one.name, one.words, png))
        write_whole(folder / f"{path.stem}.{one.name}.png", png)
    facts = {"scan": path.name, **facts}
    _write(folder, path.stem, path.name, facts, shown)
    return facts


def explain_samples(folder: Path, plan: ExplainPlan, advance: Advance = lambda done, all: None) -> dict[str, Any]:
    """Explain a generator into a folder: NAME.generator.html, .json, and NAME.nearest.png and .npz.

    The numbers come back. Raises `PlanError`, `WeightsError`, `WriteError`.
    """
    _check_one_subject(plan)
    facts = explain_generator(folder, plan, advance)
    sheet = (folder / f"{facts['model']}.nearest.png").read_bytes()
    _write(folder, facts["model"], facts["model"], facts, [("nearest training pictures", SHEET_WORDS, sheet)])
    return facts


def _read(path: Path, plan: ExplainPlan) -> Picture:
    """A picture within the plan's bounds, its values finite; raises `PictureError`."""
    picture = image_files.read(path, limits=Limits(max_pixels=int(plan.max_megapixels * 1e6)))
    if not bool(torch.isfinite(picture.pixels).all()):
        raise PictureError(
            f"{path.name} holds values that are not numbers.", remedy="write it again with finite values"
        )
    return picture


def _write(folder: Path, stem: str, title: str, facts: dict[str, Any], shown: list[tuple[str, str, bytes]]) -> None:
    """The numbers as JSON, and the page."""
    write_whole(folder / f"{stem}.{facts['of']}.json", (json.dumps(facts, indent=2) + "\n").encode())
    write_whole(folder / f"{stem}.{facts['of']}.html", _page(title, facts, shown).encode())


def _of_restoration(
    picture: Picture, plan: ExplainPlan, advance: Advance
) -> tuple[list[Map], np.ndarray, dict[str, Any]]:
    found = restoration_maps(picture, plan, advance)
    maps = [
        Map("damage", found.damage, 0.0, 1.0, "probability that a pixel was covered, and invented"),
        Map("change", found.change, 0.0, end_of(found.change), "largest move of a channel, 8-bit levels"),
        Map(
            "uncertainty", found.uncertainty, 0.0, end_of(found.uncertainty),
            f"deviation over {found.views} flips and shifts, 8-bit levels",
        ),
    ]  # fmt: skip
    if found.disagreement is not None:
        vivid = f" at vividness {plan.vividness:g}" if plan.vividness else ""
        words = f"how far {Path(plan.other).stem} is from {Path(plan.model).stem}{vivid}, 8-bit levels"
        maps.append(Map("disagreement", found.disagreement, 0.0, end_of(found.disagreement), words))
    damaged = found.damage >= 0.5
    facts = {
        "of": "restoration",
        "model": plan.model,
        **({"vividness": plan.vividness} if plan.model == DEFAULT_MODEL else {}),
        "views": found.views,
        "damaged_share": float(damaged.float().mean()),
        "mean_change_levels": float(found.change.mean()),
        "mean_uncertainty_levels": float(found.uncertainty.mean()),
        "mean_uncertainty_levels_where_damaged": _mean(found.uncertainty[damaged]),
        "mean_uncertainty_levels_elsewhere": _mean(found.uncertainty[~damaged]),
    }
    if found.disagreement is not None:
        facts |= {
            "other": plan.other,
            "mean_disagreement_levels": float(found.disagreement.mean()),
            "mean_disagreement_levels_where_damaged": _mean(found.disagreement[damaged]),
            "mean_disagreement_levels_elsewhere": _mean(found.disagreement[~damaged]),
        }
    return maps, _rows(picture.pixels), facts


def _of_critic(picture: Picture, plan: ExplainPlan, advance: Advance) -> tuple[list[Map], np.ndarray, dict[str, Any]]:
    given = _read(Path(plan.given).expanduser(), plan) if plan.given else None
    found = critic_maps(picture, plan.critic, advance, given)
    unit = "for the whole" if found.whole else "for a patch"
    most = end_of(found.scores, 1e-6), end_of(found.occlusion, 1e-6)
    maps = [
        Map("critic-scores", found.scores, -most[0], most[0], "score: passes for real above 0, for made below", True),
        Map("critic-gradient", found.gradient, 0.0, end_of(found.gradient, 1e-6), "how strongly scores answer a pixel"),
        Map("critic-occlusion", found.occlusion, -most[1], most[1], f"score lost {unit} when a square goes", True),
    ]
    facts: dict[str, Any] = {
        "of": "critic",
        "critic": Path(plan.critic).name,
        **({"given": Path(plan.given).name} if given else {}),
        "judges": "whole pictures" if found.whole else "patches",
        "mean_score": float(found.scores.mean()),
        "deviation_of_scores": float(found.scores.std(correction=0)),
        "share_that_passes_for_real": float((found.scores > 0).float().mean()),
    }
    if found.depths:
        facts["mean_score_by_depth"] = list(found.depths)
    return maps, _rows(found.pixels), facts


def _of_style(picture: Picture, plan: ExplainPlan) -> tuple[list[Map], np.ndarray, dict[str, Any]]:
    found = style_maps(picture, plan)
    most = end_of(found.whole, 1e-6)
    words = f"away from {Path(plan.style).stem} (above 0), or nearer (below)"
    maps = [Map("style", found.whole, -most, most, words, around=True)]
    size = (found.pixels.shape[1], found.pixels.shape[2])
    for number, one in enumerate(found.maps):
        spread = torch.nn.functional.interpolate(one[None, None], size, mode="nearest")[0, 0]
        end = end_of(one, 1e-6)
        about = f"depth {number + 1} of {len(found.maps)}: relative distance {found.depths[number]:.3g}"
        maps.append(Map(f"style-depth-{number + 1}", spread, -end, end, about, around=True))
    total = sum(found.depths)
    facts = {
        "of": "style",
        "style": Path(plan.style).name,
        "relative_distance_by_depth": list(found.depths),
        "share_by_depth": [one / total if total else 0.0 for one in found.depths],
        "lab_mean_difference": list(found.colors[:3]),
        "lab_deviation_difference": list(found.colors[3:]),
    }
    return maps, _rows(found.pixels), facts


def _page(name: str, facts: dict[str, Any], shown: list[tuple[str, str, bytes]]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(str(one))}</td></tr>" for key, one in facts.items()
    )
    figures = "".join(
        f'<figure><h3>{html.escape(called)}</h3><img alt="{html.escape(words)}" style="max-width:100%" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'
        for called, words, png in shown
    )
    title = html.escape(f"{name}: explained")
    head = f'<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>'
    body = f"<h1>{title}</h1><table><tbody>{rows}</tbody></table>{figures}"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head><body><main>{body}</main></body>'
        "</html>\n"
    )


def _check_one_subject(plan: ExplainPlan) -> None:
    """Raise `PlanError` where a plan asks for two explanations at once."""
    asked = [name for name in ("style", "critic", "generator", "other") if getattr(plan, name)]
    if len(asked) > 1:
        raise PlanError(f"--{asked[0]} and --{asked[1]} are two explanations.", remedy="ask for one of them at a time")


def _rows(pixels: Tensor) -> np.ndarray:
    """[1 or 3, h, w] to [h, w, 3] in 0..1."""
    return pixels.expand(3, -1, -1).clamp(0, 1).permute(1, 2, 0).numpy()


def _mean(values: Tensor) -> float | None:
    return float(values.mean()) if values.numel() else None


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
