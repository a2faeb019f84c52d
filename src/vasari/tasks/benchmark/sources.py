"""The clean pictures that a bench begins with: a folder's, or photographs that come with scikit-image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from torch import Tensor

from vasari.foundation.errors import MissingExtraError, PictureError, PlanError
from vasari.foundation.image_files import shrink
from vasari.tasks.benchmark.cases import as_saved
from vasari.tasks.evaluate.files import pictures_in, read_upright

#: Photographs in scikit-image's wheel, by the files' names; docs/data.md tells their licenses.
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "retina.jpg",
               "camera.png", "coins.png")  # fmt: skip
MAX_MEGAPIXELS = 64
SMALLEST_PX = 32


@dataclass(frozen=True)
class Sources:
    """Pictures by name, read when they are asked for; `told` names the set without a path."""

    paths: tuple[tuple[str, Path], ...]
    long_side_px: int
    told: str

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> tuple[str, Tensor]:
        """Name and pixels [3, h, w] in steps of 1/255, the long side averaged; raises `PictureError`."""
        name, path = self.paths[index]
        pixels = read_upright(path, MAX_MEGAPIXELS).expand(3, -1, -1)
        small = shrink(pixels, self.long_side_px) if self.long_side_px else pixels
        if min(small.shape[1:]) < SMALLEST_PX:
            raise PictureError(
                f"{path.name} has {small.shape[2]}x{small.shape[1]} px here; {SMALLEST_PX} are needed.",
                remedy="name larger pictures, or a larger --long-side-px",
            )
        return name.replace("/", "__"), as_saved(small)

    def readable(self) -> tuple[Sources, tuple[tuple[str, str], ...]]:
        """Those that can be read, and the others' names with the reason; raises `PlanError` where none can."""
        failed = []
        for index, (name, _) in enumerate(self.paths):
            try:
                self.read(index)
            except PictureError as error:
                failed.append((name, error.message))
        lost = {name for name, _ in failed}
        if len(lost) == len(self.paths):
            raise PlanError(f"No picture can be used. The first: {failed[0][1]}", remedy="name other pictures")
        kept = tuple(one for one in self.paths if one[0] not in lost)
        return replace(self, paths=kept), tuple(failed)


def sources(data: str, count: int, long_side_px: int, names: str = "") -> Sources:
    """The pictures of a folder (all, or those that a file of `names` lists), `count` of them at even distances.

    Without a folder scikit-image's. Raises `PlanError` where there are none, `MissingExtraError`.
    """
    found = pictures_in(data) if data else scikit_photographs()
    told = Path(data).expanduser().resolve().name if data else "photographs of scikit-image"
    if names:
        found = _listed(found, Path(names).expanduser())
        told += f" listed in {Path(names).name}"
    return Sources(tuple(evenly(list(found.items()), count)), long_side_px, told)


def about(folder: str) -> str:
    """What a folder of pairs or masks says of itself: the first line of its about.txt, or its name."""
    path = Path(folder).expanduser().resolve()
    try:
        lines = (path / "about.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    return lines[0].strip() if lines and lines[0].strip() else f"the folder {path.name}"


def evenly(items: Sequence[tuple[str, Path]], count: int) -> list[tuple[str, Path]]:
    """`count` of the items at even distances; all for 0, or where there are no more."""
    if not count or count >= len(items):
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def scikit_photographs() -> dict[str, Path]:
    """The photographs of scikit-image's wheel by name; raises `MissingExtraError`."""
    try:
        folder = Path(str(resources.files("skimage"))) / "data"
    except ModuleNotFoundError:
        raise MissingExtraError("A bench without --data", "demo") from None
    return {Path(name).stem: folder / name for name in PHOTOGRAPHS if (folder / name).is_file()}


def _listed(found: dict[str, Path], listing: Path) -> dict[str, Path]:
    """Those that a text file names, with or without their ending; raises `PlanError`."""
    try:
        wanted = [line.strip() for line in listing.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{listing} cannot be read: {error}.", remedy="name a text file of file names") from None
    by_name = {path.name: name for name, path in found.items()} | {name: name for name in found}
    missing = [one for one in wanted if one not in by_name]
    if missing or not wanted:
        raise PlanError(
            f"{len(missing)} of {len(wanted)} pictures in {listing.name} are not there: {', '.join(missing[:3])}.",
            remedy="name the folder that holds them with --data",
        )
    return {by_name[one]: found[by_name[one]] for one in wanted}
