"""Plans: rules are held, TOML goes in and comes out, equal plans have equal digests."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.foundation import plans
from vasari.foundation.errors import ExitCode, PlanError
from vasari.foundation.plans import option


class Tone(StrEnum):
    KEEP = "keep"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Inner:
    rate: float = option(0.1, "learning rate", minimum=0.0)


@dataclass(frozen=True)
class Plan:
    count: int = option(3, "pictures", minimum=1, maximum=10)
    share: float = option(0.5, "share 0..1", minimum=0.0, maximum=1.0)
    tone: Tone = option(Tone.KEEP, "what to do with the tone")  # noqa: RUF009
    stages: tuple[str, ...] = option(("tone",), "stages", choices=("tone", "repair"))
    folder: Path | None = option(None, "where to")  # noqa: RUF009
    loud: bool = option(False, "talk")
    weights: dict[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)


@dataclass(frozen=True)
class Sized(Plan):
    sides: tuple[int, ...] = option((64,), "sides", minimum=16)
    most: float | None = option(None, "at most", minimum=0.0)


def test_defaults_satisfy_their_own_rules() -> None:
    plans.check(Plan())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 0}, "below 1"),
        ({"count": 11}, "above 10"),
        ({"stages": ["tone", "enlarge"]}, "enlarge is not known"),
        ({"cuont": 1}, "unknown key 'cuont'"),
        ({"count": "many"}, "int was expected"),
        ({"count": 1.5}, "int was expected"),
        ({"count": True}, "int was expected"),
        ({"loud": 1}, "bool was expected"),
        ({"stages": "tone"}, "a list was expected"),
        ({"tone": "sepia"}, "Tone was expected"),
        ({"inner": {"rate": -1.0}}, "below 0"),
        ({"inner": {"rte": 1.0}}, "inner: unknown key"),
        ({"weights": {"a": "x"}}, "weights.a"),
    ],
)
def test_what_breaks_a_rule_is_named_with_a_remedy(values: dict, words: str) -> None:
    with pytest.raises(PlanError, match=words) as caught:
        plans.from_dict(Plan, values)
    assert caught.value.remedy
    assert caught.value.exit_code == ExitCode.USAGE


def test_numbers_of_any_library_are_numbers_and_parts_are_no_whole_ones() -> None:
    plans.check(Plan(count=np.int64(3), share=np.float32(0.5), weights={"a": 1}))  # type: ignore[arg-type]
    plans.check(Plan(share=1))
    for wrong in (2.5, 2.0, np.float64(2.0)):
        with pytest.raises(PlanError, match=r"count=.*2\.\d.* is not a whole number"):
            plans.check(Plan(count=wrong))  # type: ignore[arg-type]
    with pytest.raises(PlanError, match=r"weights\.a='x' is not a number"):
        plans.check(Plan(weights={"a": "x"}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": (3,)}, r"count=\(3,\) is not a number"),
        ({"count": None}, "count=None is not a number"),
        ({"count": {"a": 3}}, "count=.* is not a number"),
        ({"share": np.float32("nan")}, "share=nan is not a number"),
        ({"weights": (1.0,)}, "a table was expected"),
        ({"sides": 64}, "sides: got 64, a list was expected"),
        ({"sides": "64"}, "a list was expected"),
        ({"sides": [8]}, "sides=8 is below 16"),
        ({"most": "3"}, "most='3' is not a number"),
    ],
)
def test_numbers_stand_as_a_field_holds_them(values: dict, words: str) -> None:
    plans.check(Sized())
    plans.check(Sized(sides=[64], most=3))  # type: ignore[arg-type]
    with pytest.raises(PlanError, match=words):
        plans.check(Sized(**values))


@pytest.mark.parametrize("values", [{"count": float("inf")}, {"share": True}, {"weights": {"a": False}}])
def test_tables_hold_no_infinite_counts_and_no_booleans_for_numbers(values: dict) -> None:
    with pytest.raises(PlanError, match="(int|float) was expected"):
        plans.from_dict(Plan, values)


def test_equal_plans_have_equal_tables_whatever_numbers_they_were_made_of() -> None:
    made = Sized(count=np.int64(4), share=1, weights={"a": 1}, sides=(np.int32(64),), most=np.float32(0.5))  # type: ignore[arg-type]
    plain = Sized(count=4, share=1.0, weights={"a": 1.0}, sides=(64,), most=0.5)
    assert made == plain and plans.digest(made) == plans.digest(plain)
    assert repr(plans.to_dict(made)) == repr(plans.to_dict(plain))


@given(
    count=st.integers(1, 10),
    share=st.floats(0, 1),
    tone=st.sampled_from(Tone),
    stages=st.lists(st.sampled_from(["tone", "repair"]), max_size=3).map(tuple),
    folder=st.sampled_from([None, Path("a/b")]),
    loud=st.booleans(),
)
def test_a_plan_survives_its_table(**values: object) -> None:
    plan = Plan(**values)  # type: ignore[arg-type]
    table = plans.to_dict(plan)
    again = plans.from_dict(Plan, table)
    assert again == plan
    assert plans.digest(again) == plans.digest(plan)


def test_the_digest_tells_plans_apart() -> None:
    assert plans.digest(Plan()) != plans.digest(Plan(count=4))
    assert len(plans.digest(Plan())) == 64


def test_toml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('count = 4\ntone = "neutral"\n[inner]\nrate = 0.5\n', encoding="utf-8")
    plan = plans.from_dict(Plan, plans.read_toml(path))
    assert (plan.count, plan.tone, plan.inner.rate) == (4, Tone.NEUTRAL, 0.5)


@pytest.mark.parametrize("content", [b"count = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_what_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match="not TOML"):
        plans.read_toml(path)
    with pytest.raises(PlanError, match="no recipe"):
        plans.read_toml(tmp_path / "missing.toml")


def test_settings_are_laid_over_a_table() -> None:
    table = {"count": 4, "inner": {"rate": 0.5}}
    merged = plans.with_settings(table, ("inner.rate=0.25", "tone=neutral", "weights.a=2.0", "stages=['repair']"))
    assert table == {"count": 4, "inner": {"rate": 0.5}}
    plan = plans.from_dict(Plan, merged)
    assert (plan.count, plan.inner.rate, plan.tone) == (4, 0.25, Tone.NEUTRAL)
    assert (plan.weights, plan.stages) == ({"a": 2.0}, ("repair",))


@pytest.mark.parametrize("setting", ["count", "count.x=1"])
def test_settings_that_cannot_be_laid(setting: str) -> None:
    with pytest.raises(PlanError, match="--set"):
        plans.with_settings({"count": 4}, (setting,))


def test_defaults_are_immutable_and_plans_frozen() -> None:
    with pytest.raises(TypeError, match="immutable"):
        option([], "a list")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Plan().count = 4  # type: ignore[misc]


def test_help_travels_with_the_field() -> None:
    (count, *_) = dataclasses.fields(Plan)
    assert count.metadata["help"] == "pictures"
    assert tomllib.loads("a = 1") == {"a": 1}
