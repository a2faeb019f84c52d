"""What a picture file says of itself in XMP, IPTC and EXIF, as statements about the work.

XMP goes before IPTC, that before EXIF (Metadata Working Group, "Guidelines for handling image metadata" 2.0, 2010).
Of dates only those count that mean the work: that of a depicted artwork, and "Date Created" of IPTC, which by its
definition is the date of the content and not of the scan. The times of digitizing, of the file and of its last change
are never the date of a work. The time at which a camera took a picture (DateTimeOriginal) is taken, with half
confidence, where there is no other date, the file tells of an exposure, of no scanner and of no depicted artwork.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vasari.archive.ingest.iptc import records
from vasari.archive.ingest.xmp import Name, properties
from vasari.archive.statements import Claim
from vasari.foundation import tiff_exif
from vasari.foundation.picture import Metadata

DC = "http://purl.org/dc/elements/1.1/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
#: Field -> properties of XMP that tell it, the best first.
XMP: dict[str, tuple[Name, ...]] = {
    "title": ((IPTC_EXT, "AOTitle"), (DC, "title"), (PHOTOSHOP, "Headline")),
    "artist": ((IPTC_EXT, "AOCreator"), (DC, "creator")),
    "date": ((IPTC_EXT, "AOCircaDateCreated"), (IPTC_EXT, "AODateCreated"), (PHOTOSHOP, "DateCreated")),
    "medium": ((IPTC_EXT, "AOPhysicalDescription"),),
    "collection": ((IPTC_EXT, "AOSource"),),
    "rights": ((DC, "rights"), (RIGHTS, "UsageTerms"), (IPTC_EXT, "AOCopyrightNotice")),
    "url": ((RIGHTS, "WebStatement"),),
    "place": ((PHOTOSHOP, "City"), (PHOTOSHOP, "Country")),
    "style": ((IPTC_EXT, "AOStylePeriod"),),
    "tag": ((DC, "subject"),),
    "note": ((DC, "description"),),
}
#: Field -> datasets of IPTC's record 2.
IPTC: dict[str, tuple[int, ...]] = {
    "title": (5, 105),
    "artist": (80,),
    "date": (55,),
    "rights": (116,),
    "place": (90, 101),
    "tag": (25,),
    "note": (120,),
}
#: Field -> tags of EXIF's main directory; those from 40091 on are in UTF-16.
EXIF: dict[str, tuple[int, ...]] = {
    "title": (40091,),
    "artist": (315, 40093),
    "rights": (33432,),
    "tag": (40094,),
    "note": (270,),
}
TAKEN, EXPOSURE, FOCAL_NUMBER, SOURCE = 36867, 33434, 33437, 41728
SCANNERS = (b"\x01", b"\x02")
#: Texts that cameras write everywhere and that tell nothing.
NOTHING = frozenset({"olympus digital camera", "sony dsc", "digital camera", "kodak digital still camera", "untitled"})
LONGEST = 20_000
CAMERA_CONFIDENCE = 0.5
MANY = ("tag", "style")


def claims_of(metadata: Metadata, *, camera_dates: bool = True) -> tuple[Claim, ...]:
    """Statements about title, artist, date, medium, rights and so on; damaged blocks tell nothing."""
    xmp, iptc, exif = properties(metadata.xmp), records(metadata.iptc), _exif(metadata.exif)
    told: dict[str, list[str]] = {}
    for field, names in XMP.items():
        _tell(told, field, [xmp.get(name, []) for name in names])
    for field, numbers in IPTC.items():
        _tell(told, field, [iptc.get(number, []) for number in numbers])
    for field, tags in EXIF.items():
        _tell(told, field, [_words(exif.get(tag, b""), utf16=tag >= 40091) for tag in tags])
    claims = [Claim(field, value) for field, values in told.items() for value in values]
    artwork = any(space == IPTC_EXT and local.startswith("AO") for space, local in xmp)
    if "date" not in told and camera_dates and not artwork:
        claims += _camera_date(exif)
    return tuple(claims)


def _tell(told: dict[str, list[str]], field: str, sources: Sequence[Sequence[str]]) -> None:
    """Keep what the first source with anything to say says; of places city and country together."""
    if field in told:
        return
    if field == "place":
        parts = [texts[0] for texts in sources if texts]
        sources = [[", ".join(parts)]] if parts else []
    for texts in sources:
        kept = [text for text in map(_clean, texts) if text]
        if field == "date":
            kept = [text for text in map(plain_date, kept) if text]
        if kept:
            # Alternatives of one text are languages of which the first is meant; several creators are one line.
            several = "; ".join(dict.fromkeys(kept)) if field == "artist" else kept[0]
            told[field] = list(dict.fromkeys(kept)) if field in MANY else [several]
            return


def _clean(text: str) -> str:
    text = " ".join(text.split()).strip("\0 ")[:LONGEST]
    return "" if text.lower() in NOTHING else text


def plain_date(text: str) -> str:
    """A date of XMP, IPTC or EXIF as 1889, 1889-06 or 1889-06-15; others as they stand; "" for none."""
    found = re.fullmatch(r"(\d{4})(?:[-:]?(\d\d)(?:[-:]?(\d\d))?)?(?:[T ].*)?", text.strip())
    if found is None:
        return "" if re.fullmatch(r"[\s:0-]*", text) else text
    year, month, day = found.groups()
    if year == "0000":
        return ""
    parts = [year]
    if month and 1 <= int(month) <= 12:
        parts.append(month)
        if day and 1 <= int(day) <= 31:
            parts.append(day)
    return "-".join(parts)


def _camera_date(exif: Mapping[int, bytes]) -> list[Claim]:
    taken = "".join(plain_date(text) for text in _words(exif.get(TAKEN, b"")))
    scanned = exif.get(SOURCE) in SCANNERS
    exposed = EXPOSURE in exif or FOCAL_NUMBER in exif
    return [Claim("date", taken, CAMERA_CONFIDENCE)] if taken and exposed and not scanned else []


def _exif(block: bytes | None) -> dict[int, bytes]:
    """The values of the main and the EXIF directory; those that are damaged are left out."""
    blocks = tiff_exif.parse(block) if block else tiff_exif.Blocks()
    return {tag: entry.data for tag, entry in (blocks.main | blocks.exif).items()}


def _words(data: bytes, utf16: bool = False) -> list[str]:
    """A text, or the keywords in it; EXIF says ASCII, writers mean UTF-8 or Latin-1."""
    if utf16:
        text = data.decode("utf-16-le", "replace")
        return [part.strip() for part in text.replace("\0", " ").split(";") if part.strip()]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.replace("\0", " ").strip()
    return [text] if text else []
