"""Hints carried to their surroundings: against a dense solution, within even ground, and nowhere without hints."""

from __future__ import annotations

import numpy as np
import torch

from vasari.tasks.colorize.carrying import DRAWN, HELD, LIKE, LOOSEST, carried


def dense(chroma: np.ndarray, light: np.ndarray, said: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The minimum of held, drawn and tied differences for one channel [h, w], by one linear system."""
    height, width = light.shape
    matrix, wanted = np.zeros((light.size, light.size)), np.zeros(light.size)
    for y in range(height):
        for x in range(width):
            here = y * width + x
            matrix[here, here] += DRAWN + HELD * known[y, x]
            wanted[here] += DRAWN * chroma[y, x] + HELD * known[y, x] * said[y, x]
            for below, beside in ((1, 0), (0, 1)):
                if y + below < height and x + beside < width:
                    there = here + below * width + beside
                    apart = light[y, x] - light[y + below, x + beside]
                    tie = max(LOOSEST, np.exp(-(apart**2) / (2 * LIKE**2)))
                    matrix[[here, there], [here, there]] += tie
                    matrix[[here, there], [there, here]] -= tie
                    # What is tied is the move, not the color: edges that the network painted stay.
                    step = tie * (chroma[y, x] - chroma[y + below, x + beside])
                    wanted[here] += step
                    wanted[there] -= step
    return np.linalg.solve(matrix, wanted).reshape(height, width)


def test_it_is_the_solution_of_the_linear_system() -> None:
    rng = np.random.default_rng(2)
    chroma, said = rng.normal(0, 20, (2, 9, 11)), rng.normal(0, 20, (2, 9, 11))
    light, known = rng.random((9, 11)) * 0.2, (rng.random((9, 11)) < 0.15) * rng.random((9, 11))
    made = carried(*(torch.from_numpy(one)[None] for one in (chroma, light[None], said, known[None])))[0].numpy()
    for plane in range(2):  # the iterations end within half a unit of Lab
        np.testing.assert_allclose(made[plane], dense(chroma[plane], light, said[plane], known), atol=0.5)


def test_a_hint_fills_its_thing_and_reaches_much_less_beyond_its_edge() -> None:
    light = torch.full((1, 1, 40, 60), 0.3)
    light[..., 30:] = 0.7
    said, known = torch.zeros(1, 2, 40, 60), torch.zeros(1, 1, 40, 60)
    said[..., 18:22, 10:14], known[..., 18:22, 10:14] = 30.0, 1.0
    made = carried(torch.zeros(1, 2, 40, 60), light, said, known)[0, 0]
    assert made[:, :28].mean() > 25
    assert made[:, 32:].mean() < 0.08 * made[:, :28].mean()


def test_without_hints_nothing_moves() -> None:
    chroma = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros(1, 1, 8, 8)
    assert carried(chroma, torch.rand(1, 1, 8, 8), torch.zeros(1, 2, 8, 8), nothing) is chroma
