"""Metadata blocks in and out of libvips: ICC, EXIF, XMP, IPTC, resolution and orientation."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from vasari.foundation import png_chunks, tiff_exif
from vasari.foundation.image_formats import vips
from vasari.foundation.picture import Metadata

MM_PER_INCH = 25.4
EXIF_PREFIX = b"Exif\0\0"
PHOTOSHOP = b"Photoshop 3.0\0"
#: The smallest EXIF block: no entries. libvips adds the orientation to it.
EMPTY_EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"


def metadata_of(image: Any, path: Path, format_name: str, page: int) -> Metadata:
    """The metadata of an open libvips image; damaged blocks are left out."""
    fields = set(image.get_fields())

    def block(name: str) -> bytes | None:
        return bytes(image.get(name)) if name in fields else None

    exif = block("exif-data")
    if exif is not None:
        exif = exif.removeprefix(EXIF_PREFIX)
    if format_name == "tiff":
        exif = tiff_exif.read(path, page)
    iptc = tiff_exif.iptc(path, page) if format_name == "tiff" else block("iptc-data")
    if format_name == "jpeg" and iptc is not None:
        iptc = iptc_from_photoshop(iptc)
    if format_name == "png":
        iptc = png_chunks.iptc(path)
    if iptc is not None and iptc.startswith(b"8BIM"):
        iptc = iptc_from_photoshop(PHOTOSHOP + iptc)
    orientation = image.get("orientation") if "orientation" in fields else 1
    # libvips knows no "absent": it reports one pixel a millimeter where a file says nothing.
    known = (image.xres, image.yres) != (1.0, 1.0) and image.xres > 0 and image.yres > 0
    return Metadata(
        icc=block("icc-profile-data"),
        exif=exif or None,
        xmp=block("xmp-data"),
        iptc=iptc.rstrip(b"\0") or None if iptc else None,
        dpi=(image.xres * MM_PER_INCH, image.yres * MM_PER_INCH) if known else tiff_exif.resolution(exif),
        orientation=orientation if orientation in range(1, 9) else 1,
    )


def attach(image: Any, metadata: Metadata, format_name: str) -> Any:
    """A copy of a libvips image that carries the metadata, ready to be saved in a format.

    What libvips drops is written by `complete` afterwards.
    """
    scale = {}
    if metadata.dpi is not None:
        scale = {"xres": metadata.dpi[0] / MM_PER_INCH, "yres": metadata.dpi[1] / MM_PER_INCH}
    image = image.copy(**scale)
    for name in image.get_fields():
        if name in ("icc-profile-data", "exif-data", "xmp-data", "iptc-data"):
            image.remove(name)
    blob, exif = vips().GValue.blob_type, metadata.exif
    if exif is None and metadata.orientation != 1:
        exif = EMPTY_EXIF
    if metadata.icc is not None:
        image.set_type(blob, "icc-profile-data", metadata.icc)
    if exif is not None and format_name != "tiff":
        image.set_type(blob, "exif-data", EXIF_PREFIX + exif)
    if metadata.xmp is not None:
        image.set_type(blob, "xmp-data", metadata.xmp)
    if metadata.iptc is not None and format_name == "jpeg":
        image.set_type(blob, "iptc-data", iptc_to_photoshop(metadata.iptc))
    image.set_type(vips().GValue.gint_type, "orientation", metadata.orientation)
    image.set_type(vips().GValue.gstr_type, "resolution-unit", "in")
    return image


def complete(path: Path, metadata: Metadata, format_name: str) -> None:
    """Put into a finished file of our own, in place, what libvips leaves out: EXIF and IPTC of TIFF, IPTC of PNG."""
    if format_name == "tiff" and (metadata.exif or metadata.iptc):
        tiff_exif.patch(path, metadata.exif, metadata.iptc)
    elif format_name == "png" and metadata.iptc:
        png_chunks.append_iptc(path, metadata.iptc)


def iptc_from_photoshop(block: bytes) -> bytes | None:
    """The IPTC records inside a JPEG's Photoshop resources (resource 0x0404), or None."""
    if not block.startswith(PHOTOSHOP):
        return None
    at = len(PHOTOSHOP)
    while at + 12 <= len(block) and block[at : at + 4] == b"8BIM":
        kind = struct.unpack_from(">H", block, at + 4)[0]
        start = at + 6 + (block[at + 6] + 2) // 2 * 2
        if start + 4 > len(block):
            return None
        size = struct.unpack_from(">I", block, start)[0]
        if kind == 0x0404:
            return block[start + 4 : start + 4 + size]
        at = start + 4 + size + size % 2
    return None


def iptc_to_photoshop(iptc: bytes) -> bytes:
    """IPTC records as the Photoshop resource that JPEG files carry them in."""
    padded = iptc + b"\0" * (len(iptc) % 2)
    return PHOTOSHOP + b"8BIM" + struct.pack(">HH", 0x0404, 0) + struct.pack(">I", len(iptc)) + padded
