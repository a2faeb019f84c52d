"""Options derived from plans: several plans in one command, prefixes, other defaults, the parameters that it has."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import pytest

from vasari.app.cli.plan_options import PlanOptions, with_plan, with_plans
from vasari.foundation.plans import option


@dataclass(frozen=True)
class Frame:
    """How it is framed."""

    width: int = option(3, "width in px")
    colors: tuple[str, ...] = option(("gold",), "colors")


@dataclass(frozen=True)
class Wall:
    """Where it hangs."""

    height: int = option(2, "height in m")


def hang(*pictures: str, height: int = 7, frame: Frame, wall: Wall) -> Any:
    """Hang pictures."""
    return pictures, height, frame, wall


def test_each_plan_becomes_its_options_in_its_place() -> None:
    command = with_plans(frame=PlanOptions(Frame, "frame_", {"width": 5}), wall=Wall)(hang)
    parameters = inspect.signature(command).parameters
    assert list(parameters) == ["pictures", "height", "frame_width", "frame_colors"]
    assert parameters["frame_width"].default == 5
    assert command("a.png") == (("a.png",), 7, Frame(width=5), Wall())  # type: ignore[comparison-overlap]
    found = command("a.png", height=4, frame_width=1, frame_colors="red, blue")
    assert found == (("a.png",), 4, Frame(1, ("red", "blue")), Wall(4))  # type: ignore[comparison-overlap]


def test_decorators_stand_on_one_another() -> None:
    def frame_only(*, plan: Wall, frame: Frame) -> Any:
        return plan, frame

    command = with_plan(Wall)(with_plans(frame=Frame)(frame_only))
    assert list(inspect.signature(command).parameters) == ["height", "width", "colors"]
    assert command(height=9, width=1) == (Wall(9), Frame(1))  # type: ignore[comparison-overlap]


def test_two_plans_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="duplicate"):
        with_plans(frame=Frame, wall=PlanOptions(Frame))(hang)
