"""Addresses of the Image API against the tables of its specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.app.web.iiif.requests import ImageRequestError, SizeLimits, Work, parse, worked_out

#: The specification's picture, and the limits of its examples of sizes.
WIDTH, HEIGHT = 300, 200
LIMITS = SizeLimits(600, 600, 600 * 600)


def asked(address: str, width: int = WIDTH, height: int = HEIGHT, limits: SizeLimits = LIMITS) -> Work:
    return worked_out(parse(*address.split("/")), width, height, limits)


def status(address: str) -> int:
    with pytest.raises(ImageRequestError) as caught:
        asked(address)
    return caught.value.status


@pytest.mark.parametrize(
    ("region", "expected"),
    [  # section 4.1
        ("full", (0, 0, 300, 200)),
        ("square", (50, 0, 200, 200)),
        ("125,15,120,140", (125, 15, 120, 140)),
        ("pct:41.6,7.5,40,70", (125, 15, 120, 140)),
        ("125,15,200,200", (125, 15, 175, 185)),
        ("pct:41.6,7.5,66.6,100", (125, 15, 175, 185)),
    ],
)
def test_every_region_of_the_specification(region: str, expected: tuple[int, ...]) -> None:
    work = asked(f"{region}/max/0/default.jpg")
    assert (work.left, work.top, work.width, work.height) == expected


@pytest.mark.parametrize(
    ("size", "expected", "canonical"),
    [  # section 4.2, with maxWidth and maxHeight of 600
        ("max", (300, 200), "max"),
        ("^max", (600, 400), "^max"),
        ("150,", (150, 100), "150,100"),
        ("^360,", (360, 240), "^360,240"),
        (",150", (225, 150), "225,150"),
        ("^,240", (360, 240), "^360,240"),
        ("pct:50", (150, 100), "150,100"),
        ("^pct:120", (360, 240), "^360,240"),
        ("225,100", (225, 100), "225,100"),
        ("^360,360", (360, 360), "^360,360"),
        ("!225,100", (150, 100), "150,100"),
        ("^!360,360", (360, 240), "^360,240"),
        ("300,", (300, 200), "max"),
        ("300,200", (300, 200), "max"),
        ("pct:100", (300, 200), "max"),
        ("!5000,5000", (300, 200), "max"),
        ("^!5000,5000", (600, 400), "^max"),
    ],
)
def test_every_size_of_the_specification(size: str, expected: tuple[int, int], canonical: str) -> None:
    work = asked(f"full/{size}/0/default.jpg")
    assert work.to == expected
    assert work.path == f"full/{canonical}/0/default.jpg"


@pytest.mark.parametrize(
    ("rotation", "mirror", "degrees", "canonical"),
    [  # section 4.3
        ("0", False, 0.0, "0"),
        ("180", False, 180.0, "180"),
        ("90", False, 90.0, "90"),
        ("22.5", False, 22.5, "22.5"),
        ("!0", True, 0.0, "!0"),
        ("!180", True, 180.0, "!180"),
        ("22.50", False, 22.5, "22.5"),
        (".5", False, 0.5, "0.5"),
        ("360", False, 0.0, "0"),
    ],
)
def test_every_rotation_of_the_specification(rotation: str, mirror: bool, degrees: float, canonical: str) -> None:
    work = asked(f"full/max/{rotation}/default.jpg")
    assert (work.mirror, work.degrees) == (mirror, degrees)
    assert work.path == f"full/max/{canonical}/default.jpg"


@pytest.mark.parametrize(
    "address",
    [
        "300,0,10,10/max/0/default.jpg",
        "0,200,10,10/max/0/default.jpg",
        "0,0,0,10/max/0/default.jpg",
        "pct:0,0,0,10/max/0/default.jpg",
        "-1,0,10,10/max/0/default.jpg",
        "1.5,0,10,10/max/0/default.jpg",
        "0,0,10/max/0/default.jpg",
        "pct:1e1,0,10,10/max/0/default.jpg",
        "Full/max/0/default.jpg",
        "full/full/0/default.jpg",
        "full/301,/0/default.jpg",
        "full/,201/0/default.jpg",
        "full/pct:101/0/default.jpg",
        "full/pct:0/0/default.jpg",
        "full/pct:0.1/0/default.jpg",
        "full/301,100/0/default.jpg",
        "full/0,10/0/default.jpg",
        "full/!0,10/0/default.jpg",
        "full/!10,/0/default.jpg",
        "full/,/0/default.jpg",
        "full/^/0/default.jpg",
        "full/^601,/0/default.jpg",
        "full/max/-90/default.jpg",
        "full/max/361/default.jpg",
        "full/max/nan/default.jpg",
        "full/max/!/default.jpg",
        "full/max/0/native.jpg",
        "full/max/0/default.bmp",
        "full/max/0/default",
        "full/max/0/.jpg",
        "full/max/٣/default.jpg",
    ],
)
def test_what_is_no_request_is_refused_as_such(address: str) -> None:
    assert status(address) == 400


@pytest.mark.parametrize("format", ["jp2", "pdf"])
def test_a_format_of_the_specification_that_is_not_made_is_told_apart(format: str) -> None:
    assert status(f"full/max/0/default.{format}") == 501


def test_a_region_that_covers_the_picture_is_full_in_its_canonical_address() -> None:
    assert asked("0,0,9999,9999/max/0/default.jpg").path == "full/max/0/default.jpg"
    assert asked("square/max/0/default.jpg", 200, 200).path == "full/max/0/default.jpg"


def test_max_stays_within_every_limit() -> None:
    assert asked("full/max/0/default.jpg", 3000, 2000).to == (600, 400)
    assert asked("full/max/0/default.jpg", 3000, 2000, SizeLimits(600, 300, 360_000)).to == (450, 300)
    work = asked("full/max/0/default.jpg", 3001, 1999, SizeLimits(3001, 3001, 1_000_000))
    assert work.to[0] * work.to[1] <= 1_000_000
    assert abs(work.to[0] / work.to[1] - 3001 / 1999) < 0.002


SIDES = st.integers(1, 5000)


@given(
    SIDES, SIDES, st.integers(0, 6000), st.integers(0, 6000), SIDES, SIDES,
    st.sampled_from(["max", "^max", "pct:37", "!300,200", "^!900,900", "64,", ",64", "50,60", "^80,90", "^pct:250"]),
    st.sampled_from(["0", "!90", "12.25"]),
)  # fmt: skip
def test_a_canonical_address_means_the_same_and_is_its_own(
    width: int, height: int, left: int, top: int, across: int, down: int, size: str, rotation: str
) -> None:
    try:
        work = asked(f"{left},{top},{across},{down}/{size}/{rotation}/color.png", width, height)
    except ImageRequestError:
        return
    again = asked(work.path, width, height)
    assert again == work
    assert work.left + work.width <= width
    assert work.top + work.height <= height
    assert LIMITS.allow(*work.to)
