"""What a restoration may be asked for."""

from __future__ import annotations

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import digest, from_dict, to_dict
from vasari.tasks.restore import weights
from vasari.tasks.restore.plan import RestorePlan


@pytest.mark.parametrize(
    "options",
    [
        {"vividness": 1.5},
        {"vividness": -0.1},
        {"strength": 2.0},
        {"strength": float("nan")},
        {"tone": "blue"},
        {"stages": ("sharpen",)},
        {"stages": ()},
        {"stages": ("tone", "tone")},
        {"stages": ("tone",), "tone": "keep"},
        {"stages": ("tone",), "only_damage": True},
        {"only_damage": True, "format": "jpeg"},
        {"format": "gif"},
        {"quality": 0},
        {"scale": 2},
        {"enlarger": "enlarge"},
        {"stages": ("tone", "repair", "enlarge"), "scale": 3},
        {"stages": ("tone", "repair", "enlarge"), "scale": 8},
        {"stages": ("tone", "repair", "enlarge"), "only_damage": True},
        {"stages": ("enlarge",), "evidence": True},
        {"stages": ("enlarge",), "strength": 0.5},
        {"stages": ("enlarge",), "vividness": 0.5},
        {"stages": ("tone",), "vividness": 0.5},
        {"strength": 0.0, "vividness": 0.5},
        {"stages": ("enlarge",), "tone": "keep"},
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(options: dict) -> None:
    with pytest.raises(PlanError) as caught:
        RestorePlan(**options)
    assert caught.value.remedy


def test_a_plan_comes_back_from_plain_values() -> None:
    plan = RestorePlan(stages=("repair",), strength=0.5, format="png")
    assert from_dict(RestorePlan, to_dict(plan)) == plan
    assert digest(plan) != digest(RestorePlan())


def test_enlarging_changed_no_job_of_before() -> None:
    """By the digest of its plan a finished folder is known again: that of version 0.1.0, which could not enlarge."""
    before = "563077121b56b28a775bad6a03d3b86252258eb250330893e541a7944467c729"
    assert digest(RestorePlan()) == before
    assert RestorePlan().factor == 1
    assert RestorePlan(stages=("enlarge",)).factor == 2
    assert RestorePlan(stages=("tone", "repair", "enlarge"), scale=4).factor == 4


def test_defaults_of_enlarging_that_are_named_are_the_same_job() -> None:
    plain, named = (RestorePlan(stages=("enlarge",), **more) for more in ({}, {"scale": 2, "enlarger": "enlarge"}))
    assert digest(plain) == digest(named) != digest(RestorePlan(stages=("enlarge",), scale=4))


def test_the_tone_is_kept_where_it_is_asked_or_not_touched() -> None:
    assert not RestorePlan().keeps_tone
    assert RestorePlan(tone="keep").keeps_tone
    assert RestorePlan(stages=("repair",)).keeps_tone
    assert RestorePlan(only_damage=True).keeps_tone


def test_vividness_asks_only_for_the_weights_it_needs() -> None:
    assert weights.shares(RestorePlan(vividness=0.0)) == (("restore-faithful", 1.0),)
    assert weights.shares(RestorePlan(vividness=1.0)) == (("restore-vivid", 1.0),)
    assert weights.shares(RestorePlan(vividness=0.25)) == (("restore-faithful", 0.75), ("restore-vivid", 0.25))
    assert weights.shares(RestorePlan(model="x.safetensors")) == (("x.safetensors", 1.0),)
    assert weights.shares(RestorePlan(stages=("enlarge",))) == ()
