"""What stylizing may be asked for: weights behind colons, and options that a method would not heed are refused."""

from __future__ import annotations

from typing import Any

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import digest, from_dict, to_dict
from vasari.tasks.stylize.stylize_plan import StylizePlan, parse


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [
        ("a.jpg", "a.jpg", None),
        ("a.jpg:0.7", "a.jpg", 0.7),
        ("oil:1", "oil", 1.0),
        ("oil:.5", "oil", 0.5),
        ("a.jpg:2e-1", "a.jpg", 0.2),
        ("C:\\pictures\\night.jpg", "C:\\pictures\\night.jpg", None),
        ("C:\\pictures\\night.jpg:0.25", "C:\\pictures\\night.jpg", 0.25),
        ("scan 12:30.jpg", "scan 12:30.jpg", None),
        ("scan 12:30", "scan 12", 30.0),
        ("scan 12:30:1", "scan 12:30", 1.0),
        ("a.jpg:nan", "a.jpg:nan", None),
        ("a.jpg:", "a.jpg:", None),
        (":3", ":3", None),
    ],
)
def test_only_a_number_after_the_last_colon_is_a_weight(text: str, name: str, weight: float | None) -> None:
    assert parse(text) == (name, weight)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"strength": 1.5}, "strength"),
        ({"style": ("a.jpg:-1",)}, "negative"),
        ({"style": ("a.jpg:0", "b.jpg:0")}, "weight 0"),
        ({"style": ("a.jpg", "b.jpg"), "mask": ("m.png",)}, "1 masks for 2 styles"),
        ({"style": ("a.jpg:0.5",), "mask": ("m.png",)}, "no weights"),
        ({"style": ("a.jpg",), "content_weight": 2.0}, "content_weight"),
        ({"style": ("a.jpg",), "style_kind": "photo", "method": "optimize", "content_weight": 2.0}, "content_weight"),
        ({"style": ("a.jpg",), "method": "optimize", "working_px": 0}, "no bound"),
        ({"style": ("a.jpg",), "style_kind": "photo", "method": "optimize"}, "one method"),
        ({"style": ("a.jpg",), "style_kind": "photo", "working_px": 512}, "every pixel"),
        ({"style": ("a.jpg",), "style_kind": "photo", "style_scale": 2.0}, "painted"),
        ({"style": ("a.jpg",), "style_kind": "photo", "keep_color": "histogram"}, "histogram"),
        ({"style": ("a.jpg",), "working_px": 0, "detail": 0.3}, "no other detail"),
        ({"style": ("a.jpg",), "working_px": 0, "passes": 2}, "passes"),
        ({"style": ("a.jpg",), "method": "optimize", "passes": 2}, "passes"),
        ({"method": "cut.safetensors", "passes": 2}, "passes"),
        ({"style": ("a.jpg",), "method": "cut.safetensors"}, "takes none"),
        ({"style_scale": 2.0, "method": "cut.safetensors"}, "painted"),
        ({"keep_color": "histogram", "method": "cut.safetensors"}, "histogram"),
        ({"mask": ("a.png", "b.png"), "method": "cut.safetensors"}, "2 masks for 1 styles"),
        ({"style": ("a.jpg",), "style_kind": "photo", "model": "mine.safetensors"}, "model=mine.safetensors belongs"),
        ({"style": ("a.jpg",), "method": "optimize", "model": "mine.safetensors"}, "model=mine.safetensors belongs"),
        ({"method": "cut.safetensors", "model": "mine.safetensors"}, "model=mine.safetensors belongs"),
        ({"style": ("a.jpg",), "style_kind": "photo", "encoder": "mine.safetensors"}, "encoder=mine.safetensors"),
        ({"method": "cut.safetensors", "encoder": "mine.safetensors"}, "encoder=mine.safetensors"),
        ({"style": ("a.jpg",), "seed": 3}, "seed=3 changes nothing"),
        ({"method": "cut.safetensors", "seed": 3}, "seed=3 changes nothing"),
        ({"style": ("a.jpg",), "method": "optimize", "tile_px": 512}, "setting of its own"),
    ],
)
def test_what_would_not_be_heeded_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError, match=told) as caught:
        StylizePlan(**options)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"style_kind": "photo", "model": "stylize", "encoder": "encoder", "seed": 3, "tile_px": 512},
        {"method": "optimize", "model": "stylize", "encoder": "mine.safetensors", "seed": 3, "tile_px": 768},
        {"method": "fast", "model": "mine.safetensors", "encoder": "mine.safetensors", "seed": 0, "tile_px": 512},
        {"method": "cut.safetensors", "model": "stylize", "encoder": "encoder", "seed": 0, "tile_px": 512},
    ],
)
def test_what_is_heeded_and_what_is_the_default_are_taken(options: dict[str, Any]) -> None:
    """A default that is named is no other wish than none; records name all of them."""
    plan = StylizePlan(("a.jpg",) if options.get("method") != "cut.safetensors" else (), **options)
    assert from_dict(StylizePlan, to_dict(plan), where="record") == plan


def test_a_plan_goes_to_plain_values_and_back() -> None:
    plan = StylizePlan(("a.jpg:0.7", "oil:0.3"), strength=0.8, keep_color="luminance", detail=0.0)
    again = from_dict(StylizePlan, to_dict(plan))
    assert again == plan
    assert digest(again) == digest(plan) != digest(StylizePlan(("a.jpg:0.7", "oil:0.3"), strength=0.8))


@pytest.mark.parametrize("weight", ["1e308", "1e309"])
def test_weights_beyond_all_measure_are_refused(weight: str) -> None:
    with pytest.raises(PlanError, match="weight above 1e\\+06"):
        StylizePlan((f"a.jpg:{weight}", "b.jpg:1"))
