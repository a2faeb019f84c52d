"""The demo: age the album, restore it as a folder of scans would be, and write the page.

DIR/index.html     the page
DIR/scans/         the aged album, as TIFF, JPEG and PNG scans
DIR/restored/      what `vasari restore DIR/scans -o DIR/restored --evidence` makes of it
DIR/views/         JPEG copies for the page
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vasari.app.demo.album import ALBUM, PRINTS, Leaf, photograph
from vasari.app.demo.page import Plate, Scores, mean_scores, render
from vasari.foundation.errors import PictureError
from vasari.tasks.restore.batch import BatchOptions, restore_files
from vasari.tasks.restore.plan import RestorePlan

if TYPE_CHECKING:
    from torch import Tensor

    from vasari.foundation.treatment import Treatment

SCAN_DPI = (300.0, 300.0)
SCAN_QUALITY = 92
DEMO_PLAN = RestorePlan(evidence=True)


@dataclass(frozen=True)
class Demo:
    """What was made: the page, the pictures restored, the mean scores and the seconds that restoring took."""

    page: Path
    pictures: int
    scores: Scores
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The demo as plain values, for `--json`."""
        values = {name: round(value, 4) for name, value in vars(self.scores).items()}
        return {"page": str(self.page), "pictures": self.pictures, "seconds": round(self.seconds, 2), **values}


def make_demo(
    folder: Path, say: Callable[[str], None], album: Sequence[Leaf] = ALBUM, plan: RestorePlan = DEMO_PLAN
) -> Demo:
    """Make the demo in `folder`; `say` is told what goes on; `plan` must ask for evidence.

    Raises `MissingExtraError` without scikit-image, `WeightsError` without bundled weights, `WriteError`.
    """
    say(f"Aging {len(album)} photographs ...")
    clean = {leaf.name: _age(leaf, folder) for leaf in album}
    say("Restoring them ...")
    began = time.perf_counter()
    _restore([_scan(leaf, folder) for leaf in album], folder, plan)
    seconds = time.perf_counter() - began
    say("Scoring them and writing the page ...")
    plates, treatments = [], []
    for leaf in album:
        plate, treatment = _plate(leaf, folder, clean[leaf.name])
        plates.append(plate)
        treatments.append(treatment)
    page = _write_page(folder, plates, treatments[0], seconds)
    return Demo(page, len(plates), mean_scores(plates), seconds)


def _age(leaf: Leaf, folder: Path) -> Tensor:
    """Write the aged scan; returns the photograph before, [3, rows, columns] (in grey eras its luma)."""
    from vasari.foundation import damage, image_files
    from vasari.foundation.picture import Metadata, Picture

    aged = damage.age(
        photograph(leaf).pixels.expand(3, -1, -1).contiguous(), era=leaf.era, severity=leaf.severity, seed=leaf.seed
    )
    scan = Picture(aged.aged, depth=leaf.depth, metadata=Metadata(dpi=SCAN_DPI))
    image_files.write(scan, _scan(leaf, folder), quality=SCAN_QUALITY)
    return aged.clean


def _restore(scans: Sequence[Path], folder: Path, plan: RestorePlan) -> None:
    """The very function behind `vasari restore`; what was restored before is not done again."""
    summary = restore_files(scans, BatchOptions(output=folder / "restored"), plan)
    if summary.failed:
        first = summary.failed[0]
        raise PictureError(f"{first.source} was not restored: {first.error}", remedy=first.remedy or "see the ledger")


def _scan(leaf: Leaf, folder: Path) -> Path:
    return folder / "scans" / f"{leaf.name}{leaf.suffix}"


def _plate(leaf: Leaf, folder: Path, clean: Tensor) -> tuple[Plate, Treatment]:
    from vasari.app.demo import views
    from vasari.foundation import damage, image_files
    from vasari.foundation.batches import CHANGE_ENDING, DAMAGE_ENDING, RECORD_ENDING
    from vasari.foundation.treatment import read_treatment

    scan, result = _scan(leaf, folder), folder / "restored" / f"{leaf.name}{leaf.suffix}"
    record = result.with_suffix(RECORD_ENDING)
    aged, restored = image_files.read(scan).pixels, image_files.read(result).pixels
    pictures = {
        "aged": aged,
        "restored": restored,
        "original": clean,
        "damage": views.damage_view(image_files.read(result.with_suffix(DAMAGE_ENDING)).pixels[:1], restored),
        "change": views.change_view(image_files.read(result.with_suffix(CHANGE_ENDING)).pixels[:1]),
    }
    paths = {kind: f"views/{leaf.name}-{kind}.jpg" for kind in pictures}
    for kind, pixels in pictures.items():
        views.write_view(pixels, folder / paths[kind])
    treatment = read_treatment(record)
    plate = Plate(
        name=leaf.name,
        title=leaf.title,
        credit=leaf.credit,
        print_kind=PRINTS[leaf.era],
        severity=leaf.severity,
        width=int(clean.shape[2]),
        height=int(clean.shape[1]),
        scan=str(scan.relative_to(folder)),
        result=str(result.relative_to(folder)),
        views=paths,
        scores=score(aged, restored, clean, grey=damage.ERAS[leaf.era].grey),
        record=_shown(treatment),
        record_file=str(record.relative_to(folder)),
    )
    return plate, treatment


def score(aged: Tensor, restored: Tensor, clean: Tensor, *, grey: bool) -> Scores:
    """PSNR and SSIM of [3, rows, columns] against the photograph before aging; on luma where `grey`."""
    from vasari.tasks.metrics import luma, peak_signal_noise_ratio, structural_similarity

    aged, restored, clean = (luma(one) if grey else one.expand(3, -1, -1) for one in (aged, restored, clean))
    return Scores(
        float(peak_signal_noise_ratio(aged, clean)),
        float(peak_signal_noise_ratio(restored, clean)),
        float(structural_similarity(aged, clean)),
        float(structural_similarity(restored, clean)),
    )


def _shown(treatment: Treatment) -> dict[str, str]:
    """The lines of a record that the page shows; the whole record is linked."""
    stages = {f"stage {stage.name}": stage.did for stage in treatment.stages}
    models = ", ".join(f"{one.name} {one.digest[:16]}…" for one in treatment.models)
    return {
        "source": f"{Path(treatment.source.path).name}, SHA-256 {treatment.source.sha256[:16]}…",
        "model": models,
        **stages,
        "digital source type": treatment.digital_source_type.rsplit("/", 1)[-1],
        "machine": ", ".join(f"{key} {value}" for key, value in treatment.machine.items()),
        "seed": str(treatment.seed),
        "version": treatment.version,
        "made": treatment.created,
    }


def _write_page(folder: Path, plates: Sequence[Plate], treatment: Treatment, seconds: float) -> Path:
    from vasari.foundation.atomic_files import write_whole
    from vasari.foundation.version import VERSION

    model = treatment.models[0]
    html = render(plates, version=VERSION, model=model.name, digest=model.digest, seconds=seconds)
    return write_whole(folder / "index.html", html.encode())
