"""What files say of themselves is read by the order of the standards; times of scanning are never the work's date."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vasari.archive.ingest.embedded import claims_of, plain_date
from vasari.archive.ingest.iptc import records
from vasari.archive.ingest.xmp import properties
from vasari.foundation.image_metadata import iptc_to_photoshop
from vasari.foundation.picture import Metadata
from vasari.foundation.row_reader import inspect

PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  photoshop:DateCreated="1889-06-15" xmp:CreateDate="2012-03-04T10:00:00" photoshop:City="Arles">
<dc:title><rdf:Alt><rdf:li xml:lang="fr">La nuit étoilée</rdf:li>
  <rdf:li xml:lang="x-default">The Starry Night</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Vincent van Gogh</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>night</rdf:li><rdf:li>stars</rdf:li></rdf:Bag></dc:subject>
{more}</rdf:Description></rdf:RDF></x:xmpmeta>"""
ARTWORK = """<Iptc4xmpExt:ArtworkOrObject xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag>
<rdf:li rdf:parseType="Resource"><Iptc4xmpExt:AOTitle><rdf:Alt><rdf:li xml:lang="x-default">Haystacks</rdf:li></rdf:Alt>
</Iptc4xmpExt:AOTitle><Iptc4xmpExt:AOCreator><rdf:Seq><rdf:li>Claude Monet</rdf:li></rdf:Seq></Iptc4xmpExt:AOCreator>
<Iptc4xmpExt:AOCircaDateCreated>c. 1890</Iptc4xmpExt:AOCircaDateCreated></rdf:li></rdf:Bag>
</Iptc4xmpExt:ArtworkOrObject>"""


def said(metadata: Metadata, **options: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for claim in claims_of(metadata, **options):
        found.setdefault(claim.field, []).append(claim.value)
    return found


def xmp(more: str = "") -> bytes:
    return PACKET.format(more=more).encode()


def iptc(**fields: bytes) -> bytes:
    numbers = {"title": 5, "artist": 80, "date": 55, "tag": 25}
    return b"".join(struct.pack(">BBBH", 0x1C, 2, numbers[name], len(value)) + value for name, value in fields.items())


def exif(**tags: object) -> bytes:
    block = Image.Exif()
    inner = {"taken": 36867, "exposure": 33434, "source": 41728, "digitized": 36868}
    main = {"artist": 315, "note": 270, "rights": 33432, "changed": 306}
    for name, value in tags.items():
        if name in main:
            block[main[name]] = value
        else:
            block.get_ifd(0x8769)[inner[name]] = value
    return block.tobytes().removeprefix(b"Exif\0\0")


def test_xmp_is_read_in_the_default_language() -> None:
    found = said(Metadata(xmp=xmp()))
    assert found == {
        "title": ["The Starry Night"],
        "artist": ["Vincent van Gogh"],
        "date": ["1889-06-15"],
        "place": ["Arles"],
        "tag": ["night", "stars"],
    }


def test_what_is_said_of_a_depicted_artwork_goes_first() -> None:
    found = said(Metadata(xmp=xmp(ARTWORK), exif=exif(taken="2012:01:01 10:00:00", exposure=0.01)))
    assert (found["title"], found["artist"], found["date"]) == (["Haystacks"], ["Claude Monet"], ["c. 1890"])


def test_xmp_goes_before_iptc_and_that_before_exif() -> None:
    block = exif(artist="from exif", rights="from exif")
    both = Metadata(iptc=iptc(artist=b"from iptc", title="Süden".encode("latin-1")), exif=block)
    assert said(both) == {"artist": ["from iptc"], "title": ["Süden"], "rights": ["from exif"]}
    assert said(Metadata(xmp=xmp(), iptc=both.iptc, exif=block))["artist"] == ["Vincent van Gogh"]


@pytest.mark.parametrize(
    ("tags", "options", "date"),
    [
        ({"taken": "1999:07:08 10:11:12", "exposure": 0.01}, {}, ["1999-07-08"]),
        ({"taken": "1999:07:08 10:11:12", "exposure": 0.01}, {"camera_dates": False}, None),
        ({"taken": "1999:07:08 10:11:12"}, {}, None),  # nothing says that a camera exposed it
        ({"taken": "1999:07:08 10:11:12", "exposure": 0.01, "source": b"\x02"}, {}, None),  # a scanner
        ({"digitized": "1999:07:08 10:11:12", "changed": "2001:01:01 00:00:00", "exposure": 0.01}, {}, None),
        ({"taken": "0000:00:00 00:00:00", "exposure": 0.01}, {}, None),
    ],
)
def test_only_a_camera_dates_a_picture(tags: dict[str, object], options: dict[str, bool], date: object) -> None:
    found = claims_of(Metadata(exif=exif(**tags)), **options)
    dates = [claim for claim in found if claim.field == "date"]
    assert ([claim.value for claim in dates] or None) == date
    assert all(claim.confidence == 0.5 for claim in dates)


@pytest.mark.parametrize(
    ("text", "date"),
    [("18890615", "1889-06-15"), ("18890000", "1889"), ("1889", "1889"), ("1889-06-15T10:00:00+01:00", "1889-06-15"),
     ("1889:06:15 00:00:00", "1889-06-15"), ("00000000", ""), ("    :  :", ""), ("c. 1890", "c. 1890")],
)  # fmt: skip
def test_dates_are_written_as_catalogs_do(text: str, date: str) -> None:
    assert plain_date(text) == date


def test_words_of_cameras_tell_nothing() -> None:
    assert said(Metadata(exif=exif(note="OLYMPUS DIGITAL CAMERA         "))) == {}


@pytest.mark.parametrize(
    "packet",
    [b"", b"<x", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', xmp()[:-30], b"\xff" * 50, b"<a/>", b"<a>" * 5000],
)
def test_damaged_packets_tell_nothing(packet: bytes) -> None:
    assert properties(packet) == {}


def test_damaged_blocks_tell_nothing() -> None:
    whole = iptc(title=b"abc", artist=b"def")
    for end in range(len(whole)):
        assert set(records(whole[:end])) <= {5, 80}
    random = np.random.default_rng(1)
    block = exif(artist="me", taken="1999:07:08 10:11:12", exposure=0.01)
    for _ in range(200):
        broken = bytearray(block)
        for at in random.integers(0, len(broken), 4):
            broken[at] = random.integers(0, 256)
        claims_of(Metadata(exif=bytes(broken)))
    claims_of(Metadata(exif=block[:20]))


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_files_of_every_format_are_read(tmp_path: Path, ending: str, clouds: Callable[..., np.ndarray]) -> None:
    path = tmp_path / f"a.{ending}"
    picture = Image.fromarray(clouds(1))
    if ending == "tif":
        picture.save(path, tiffinfo={700: xmp(), 315: "from exif"})
    elif ending == "png":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp().decode())
        picture.save(path, pnginfo=texts)
    else:
        picture.save(path, xmp=xmp(), exif=Image.Exif().tobytes())
    assert said(inspect(path).metadata)["title"] == ["The Starry Night"]


def test_iptc_in_a_jpeg_is_found(tmp_path: Path, clouds: Callable[..., np.ndarray]) -> None:
    stream = io.BytesIO()
    Image.fromarray(clouds(1)).save(stream, "JPEG")
    block = iptc_to_photoshop(iptc(title=b"Old bridge", date=b"18890000", tag=b"bridge"))
    data = stream.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:])
    assert said(inspect(path).metadata) == {"title": ["Old bridge"], "date": ["1889"], "tag": ["bridge"]}
