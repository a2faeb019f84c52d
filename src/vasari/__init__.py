"""Vasari restores old photographs: scans of any size, masters untouched, every change on record.

    import vasari
    vasari.restore("scan.tif").save("out.tif")

The public names are loaded when they are first used, so that `import vasari` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vasari.foundation.errors import VasariError
    from vasari.foundation.image_files import read as open_picture
    from vasari.foundation.picture import Metadata, Picture, Space
    from vasari.foundation.version import VERSION as __version__
    from vasari.tasks.restore.apply import restore
    from vasari.tasks.restore.batch import restore_files
    from vasari.tasks.restore.plan import RestorePlan

# Public name -> (module, name there).
_PUBLIC = {
    "restore": ("vasari.tasks.restore.apply", "restore"),
    "restore_files": ("vasari.tasks.restore.batch", "restore_files"),
    "open_picture": ("vasari.foundation.image_files", "read"),
    "Picture": ("vasari.foundation.picture", "Picture"),
    "Metadata": ("vasari.foundation.picture", "Metadata"),
    "Space": ("vasari.foundation.picture", "Space"),
    "RestorePlan": ("vasari.tasks.restore.plan", "RestorePlan"),
    "VasariError": ("vasari.foundation.errors", "VasariError"),
    "__version__": ("vasari.foundation.version", "VERSION"),
}

__all__ = [
    "restore",
    "restore_files",
    "open_picture",
    "Picture",
    "Metadata",
    "Space",
    "RestorePlan",
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
