"""Vasari restores old photographs: scans of any size, masters untouched, every change on record.

    import vasari
    vasari.restore("scan.tif").save("out.tif")

The public names are loaded when they are first used, so that `import vasari` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vasari.archive.store import Archive
    from vasari.foundation.errors import VasariError
    from vasari.foundation.image_files import read as open_picture
    from vasari.foundation.picture import Metadata, Picture, Space
    from vasari.foundation.version import VERSION as __version__
    from vasari.models.style import StyleCode
    from vasari.tasks.augment.files import augment_files
    from vasari.tasks.augment.pictures import AugmentedPictures
    from vasari.tasks.augment.plan import AugmentPlan
    from vasari.tasks.colorize.apply import colorings, colorize
    from vasari.tasks.colorize.colorize_plan import ColorizePlan
    from vasari.tasks.colorize.work import colorize_files
    from vasari.tasks.generate.apply import generate
    from vasari.tasks.generate.folder import generate_files
    from vasari.tasks.generate.sampling_plan import SamplingPlan
    from vasari.tasks.inpaint.apply import inpaint
    from vasari.tasks.inpaint.plan import InpaintPlan
    from vasari.tasks.restore.apply import restore
    from vasari.tasks.restore.batch import restore_files
    from vasari.tasks.restore.plan import RestorePlan
    from vasari.tasks.stylize.apply import stylize
    from vasari.tasks.stylize.coding import style_code
    from vasari.tasks.stylize.stylize_plan import StylizePlan
    from vasari.tasks.stylize.work import stylize_files
    from vasari.tasks.texture.apply import texture
    from vasari.tasks.texture.file import texture_file
    from vasari.tasks.texture.plan import TexturePlan
    from vasari.tasks.translate.apply import translate
    from vasari.tasks.translate.translate_plan import TranslatePlan
    from vasari.tasks.translate.work import translate_files

# Public name -> (module, name there).
_PUBLIC = {
    "Archive": ("vasari.archive.store", "Archive"),
    "restore": ("vasari.tasks.restore.apply", "restore"),
    "restore_files": ("vasari.tasks.restore.batch", "restore_files"),
    "translate": ("vasari.tasks.translate.apply", "translate"),
    "translate_files": ("vasari.tasks.translate.work", "translate_files"),
    "stylize": ("vasari.tasks.stylize.apply", "stylize"),
    "stylize_files": ("vasari.tasks.stylize.work", "stylize_files"),
    "colorize": ("vasari.tasks.colorize.apply", "colorize"),
    "colorings": ("vasari.tasks.colorize.apply", "colorings"),
    "colorize_files": ("vasari.tasks.colorize.work", "colorize_files"),
    "ColorizePlan": ("vasari.tasks.colorize.colorize_plan", "ColorizePlan"),
    "style_code": ("vasari.tasks.stylize.coding", "style_code"),
    "StyleCode": ("vasari.models.style", "StyleCode"),
    "StylizePlan": ("vasari.tasks.stylize.stylize_plan", "StylizePlan"),
    "augment_files": ("vasari.tasks.augment.files", "augment_files"),
    "AugmentedPictures": ("vasari.tasks.augment.pictures", "AugmentedPictures"),
    "generate": ("vasari.tasks.generate.apply", "generate"),
    "generate_files": ("vasari.tasks.generate.folder", "generate_files"),
    "inpaint": ("vasari.tasks.inpaint.apply", "inpaint"),
    "InpaintPlan": ("vasari.tasks.inpaint.plan", "InpaintPlan"),
    "texture": ("vasari.tasks.texture.apply", "texture"),
    "texture_file": ("vasari.tasks.texture.file", "texture_file"),
    "open_picture": ("vasari.foundation.image_files", "read"),
    "Picture": ("vasari.foundation.picture", "Picture"),
    "Metadata": ("vasari.foundation.picture", "Metadata"),
    "Space": ("vasari.foundation.picture", "Space"),
    "AugmentPlan": ("vasari.tasks.augment.plan", "AugmentPlan"),
    "TranslatePlan": ("vasari.tasks.translate.translate_plan", "TranslatePlan"),
    "TexturePlan": ("vasari.tasks.texture.plan", "TexturePlan"),
    "RestorePlan": ("vasari.tasks.restore.plan", "RestorePlan"),
    "SamplingPlan": ("vasari.tasks.generate.sampling_plan", "SamplingPlan"),
    "VasariError": ("vasari.foundation.errors", "VasariError"),
    "__version__": ("vasari.foundation.version", "VERSION"),
}

__all__ = [
    "restore",
    "restore_files",
    "translate",
    "translate_files",
    "stylize",
    "stylize_files",
    "colorize",
    "colorings",
    "colorize_files",
    "ColorizePlan",
    "style_code",
    "StyleCode",
    "StylizePlan",
    "augment_files",
    "AugmentedPictures",
    "generate",
    "generate_files",
    "inpaint",
    "InpaintPlan",
    "texture",
    "texture_file",
    "open_picture",
    "Picture",
    "Metadata",
    "Space",
    "Archive",
    "RestorePlan",
    "TexturePlan",
    "TranslatePlan",
    "AugmentPlan",
    "SamplingPlan",
    "VasariError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vasari' has no attribute {name!r}")
    module, inner = _PUBLIC[name]
    return getattr(importlib.import_module(module), inner)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
