"""Sure marks lifted off before the repair: what takes their place, and what is left alone."""

import torch

from vasari.tasks.restore.lifting import DOUBTED, SURE, from_around, lifted

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def slope(height: int = 48, width: int = 64) -> torch.Tensor:
    """Darker to the left, lighter to the right [1, 3, h, w]."""
    return torch.linspace(0.2, 0.8, width).expand(1, 3, height, width).clone()


def test_what_is_sure_is_filled_from_around_it_and_the_rest_stays() -> None:
    clean = slope()
    scan, marks = clean.clone(), torch.zeros(1, 1, 48, 64)
    scan[..., 20:23, 10:50] = 1.0
    marks[..., 20:23, 10:50] = 0.95
    freed = lifted(scan, scan * 0.8, marks)
    assert freed is not None
    assert (freed.taken_off(scan, WHOLE) - clean).abs().max() < 0.1 < (scan - clean).abs().max() - 0.1
    far = torch.ones(48, 64, dtype=torch.bool)
    far[18:25, 8:52] = False
    assert torch.equal(freed.taken_off(scan, WHOLE)[..., far], scan[..., far])


def test_what_is_doubted_keeps_its_own_pixels() -> None:
    scan = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))
    assert lifted(scan, scan * 0.5, torch.full((1, 1, 24, 32), 0.5)) is None


def test_a_sound_picture_keeps_its_reflections() -> None:
    scan, marks = slope(480, 640) * 0.5, torch.zeros(1, 1, 480, 640)
    marks[..., 20:40, 30:50] = 0.99  # 0.13 %
    assert lifted(scan, scan + 0.004, marks) is None


def test_a_picture_that_has_hardly_aged_loses_what_is_certain_alone_and_that_wholly() -> None:
    scan, marks = slope(480, 640) * 0.5, torch.zeros(1, 1, 480, 640)
    marks[..., 20:40, 30:50], marks[..., 200:220, 30:50] = 0.97, 0.7
    freed = lifted(scan, scan + 0.01, marks)
    assert freed is not None
    assert float(freed.share[..., 22:38, 32:48].min()) == 1 and float(freed.share[..., 200:220, 30:50].max()) == 0


def test_a_scratched_picture_of_sound_tone_loses_its_scratches() -> None:
    scan, marks = slope(480, 640), torch.zeros(1, 1, 480, 640)
    scratched = scan.clone()
    scratched[..., 20:440, 300:304], marks[..., 20:440, 300:304] = 1.0, 0.97  # 0.55 %
    freed = lifted(scratched, scratched, marks)
    assert freed is not None
    assert (freed.taken_off(scratched, WHOLE) - scan).abs().max() < 0.05


def test_what_is_half_sure_goes_by_half() -> None:
    clean = torch.full((1, 3, 48, 64), 0.2)
    scan, marks = clean.clone(), torch.zeros(1, 1, 48, 64)
    scan[..., 20:23, 10:50], marks[..., 20:23, 10:50] = 1.0, (DOUBTED + SURE) / 2
    freed = lifted(scan, scan * 0.8, marks)
    assert freed is not None
    mark = (slice(None), slice(None), slice(20, 23), slice(12, 48))
    torch.testing.assert_close(freed.share[mark], torch.full_like(freed.share[mark], 0.5))
    assert 0.58 < float(freed.taken_off(scan, WHOLE)[mark].mean()) < 0.65


def test_a_tile_is_freed_as_the_whole() -> None:
    scan = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    marks = torch.zeros(1, 1, 48, 64)
    marks[..., 8:14, 30:36] = 0.7
    freed = lifted(scan, scan * 0.8, marks)
    assert freed is not None and 0.6 < float(freed.share.max()) < 0.7
    tile = freed.taken_off(scan[..., :24, 32:], torch.tensor([[0.0, 0.5, 0.5, 1.0]]))
    torch.testing.assert_close(tile, freed.taken_off(scan, WHOLE)[..., :24, 32:], atol=1e-5, rtol=0)


def test_marks_may_be_coarser_than_the_picture() -> None:
    scan, marks = slope(), torch.zeros(1, 1, 12, 16)
    scan[..., 20:24, 28:32] = 0.0
    marks[..., 5, 7] = 1.0
    freed = lifted(scan, scan * 0.8, marks)
    assert freed is not None and float(freed.taken_off(scan, WHOLE)[..., 20:24, 28:32].min()) > 0.4


def test_a_picture_of_which_nothing_is_known_does_not_fail() -> None:
    assert torch.isfinite(from_around(slope(), torch.zeros(1, 1, 48, 64))).all()
