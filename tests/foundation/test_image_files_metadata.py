"""What a file carries beside its pixels survives every way between formats, read back by PIL and tifffile."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, IptcImagePlugin
from PIL.TiffImagePlugin import IFDRational
from skimage import data

from vasari.foundation import image_files, tiff_exif
from vasari.foundation.image_files import RowWriter
from vasari.foundation.image_metadata import iptc_from_photoshop, iptc_to_photoshop

PIXELS = data.rocket()[:60, :80]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x78\x00\x0bA rocket, 4" + b"\x1c\x02\x50\x00\x05Nadar"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ENDINGS = {"tiff": "tif", "jpeg": "jpg", "png": "png", "webp": "webp"}


def exif() -> Image.Exif:
    """A camera, its dates, a place, a long comment in two alphabets."""
    block = Image.Exif()
    block[271], block[272], block[306], block[274] = "Zeiss Ikon", "Contessa 533/24", "2003:05:06 07:08:09", 6
    block[270] = "Rakete, aufgenommen von Jürgen — 1953"
    inner = block.get_ifd(0x8769)
    inner[36867], inner[36868] = "1953:06:02 11:00:00", "2003:05:06 07:08:09"
    inner[33434], inner[33437] = IFDRational(1, 250), IFDRational(56, 10)
    inner[37510] = b"ASCII\0\0\0" + b"from the estate of a photographer " * 20
    place = block.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (28.0, 36.0, 30.25), "W", (80.0, 36.0, 18.5)
    return block


def make_source(folder: Path, format: str) -> Path:
    path = folder / f"source.{ENDINGS[format]}"
    image = Image.fromarray(PIXELS)
    if format == "tiff":
        block = Image.Exif()
        block.load(exif().tobytes())  # PIL writes the inner directories of TIFFs only from a block it has read
        block[700], block[33723] = XMP, IPTC
        image.save(path, exif=block, icc_profile=ICC, dpi=(600, 600))
    elif format == "jpeg":
        image.save(path, exif=exif(), icc_profile=ICC, dpi=(600, 600), xmp=XMP)
        _insert_app13(path)
    elif format == "png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        image.save(path, exif=exif(), icc_profile=ICC, dpi=(600, 600), pnginfo=info)
    else:
        image.save(path, exif=exif(), icc_profile=ICC, xmp=XMP)
    return path


def _insert_app13(path: Path) -> None:
    content = path.read_bytes()
    payload = iptc_to_photoshop(IPTC)
    path.write_bytes(content[:2] + b"\xff\xed" + (len(payload) + 2).to_bytes(2, "big") + payload + content[2:])


def copy(source: Path, target: Path, format: str, **options: object) -> Path:
    with image_files.open_rows(source) as reader, RowWriter(target, reader.header, format, **options) as writer:  # type: ignore[arg-type]
        for top in range(0, reader.header.height, 16):
            writer.append(reader.read(top, min(top + 16, reader.header.height)))
    return target


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_exif_survives_every_way(tmp_path: Path, source: str, target: str) -> None:
    path = copy(make_source(tmp_path, source), tmp_path / f"b.{ENDINGS[target]}", target)
    with Image.open(path) as image:
        block = image.getexif()
        inner, place = block.get_ifd(0x8769), block.get_ifd(0x8825)
    assert (block[271], block[272], block[306]) == ("Zeiss Ikon", "Contessa 533/24", "2003:05:06 07:08:09")
    assert block[274] == 6
    assert "1953" in block[270]
    assert inner[36867] == "1953:06:02 11:00:00"
    assert float(inner[33434]) == pytest.approx(1 / 250)
    assert b"estate" in bytes(inner[37510])
    assert (place[1], place[3]) == ("N", "W")
    assert [float(part) for part in place[2]] == pytest.approx([28.0, 36.0, 30.25], abs=0.01)


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_profile_xmp_resolution_and_orientation_survive(tmp_path: Path, source: str, target: str) -> None:
    path = copy(make_source(tmp_path, source), tmp_path / f"b.{ENDINGS[target]}", target)
    before, after = (image_files.inspect(one).metadata for one in (tmp_path / f"source.{ENDINGS[source]}", path))
    assert before.icc == after.icc == ICC
    assert after.xmp is not None and before.xmp is not None and after.xmp.strip() == before.xmp.strip() == XMP
    assert before.orientation == after.orientation == 6
    if source != "webp":
        assert before.dpi == pytest.approx((600, 600), rel=1e-3)
        assert after.dpi == pytest.approx((600, 600), rel=1e-3)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == ICC
        if target in ("tiff", "jpeg", "png") and source != "webp":
            assert [float(one) for one in image.info["dpi"]] == pytest.approx([600, 600], rel=1e-3)
    # The pixels were not turned: the stored size is the source's.
    header = image_files.inspect(path)
    assert (header.width, header.height) == (80, 60)


@pytest.mark.parametrize("target", ["tiff", "jpeg", "png"])
@pytest.mark.parametrize("source", ["tiff", "jpeg"])
def test_iptc_survives(tmp_path: Path, source: str, target: str) -> None:
    path = copy(make_source(tmp_path, source), tmp_path / f"b.{ENDINGS[target]}", target)
    assert image_files.inspect(path).metadata.iptc == IPTC
    if target != "png":
        with Image.open(path) as image:
            found = IptcImagePlugin.getiptcinfo(image)
        assert found is not None
        assert found[2, 80] == b"Nadar"


def test_a_caller_can_replace_the_xmp(tmp_path: Path) -> None:
    other = XMP.replace(b"rdf:RDF ", b"rdf:RDF rdf:about='treated' ")
    for format, ending in ENDINGS.items():
        path = copy(make_source(tmp_path, "tiff"), tmp_path / f"b.{ending}", format, xmp=other)
        assert image_files.inspect(path).metadata.xmp == other


def test_a_tiff_without_metadata_gets_none(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="rgb", metadata=None, software=False)
    metadata = image_files.inspect(tmp_path / "a.tif").metadata
    assert metadata == image_files.inspect(copy(tmp_path / "a.tif", tmp_path / "b.tif", "tiff")).metadata
    assert (metadata.icc, metadata.exif, metadata.xmp, metadata.iptc) == (None, None, None, None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_exif_is_patched_into_any_kind_of_tiff(tmp_path: Path, order: str, bigtiff: bool) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", byteorder=order, bigtiff=bigtiff, software="scanner")
    tiff_exif.patch(path, exif().tobytes().removeprefix(b"Exif\0\0"))
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        assert tags["Make"].value == "Zeiss Ikon"
        assert tags["Software"].value == "scanner"
        assert tags["ExifTag"].value["DateTimeOriginal"] == "1953:06:02 11:00:00"
        assert tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        np.testing.assert_array_equal(file.asarray(), PIXELS)
    block = tiff_exif.read(path)
    assert block is not None
    found = tiff_exif.parse(block)
    assert found.exif[36867].data.rstrip(b"\0") == b"1953:06:02 11:00:00"
    reread = Image.Exif()
    reread.load(b"Exif\0\0" + block)
    assert reread[272] == "Contessa 533/24"


def test_exif_of_the_second_page_is_its_own(tmp_path: Path) -> None:
    first, second = exif(), exif()
    second[271] = "Leica"
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(PIXELS)], exif=first)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert len(file.pages) == 2
    block = image_files.inspect(tmp_path / "a.tif", 1).metadata.exif
    assert block is None or b"Zeiss" in block


def test_damaged_exif_is_left_out_and_the_picture_is_read(tmp_path: Path) -> None:
    path = make_source(tmp_path, "tiff")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[34665]
        content[tag.valueoffset : tag.valueoffset + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    header = image_files.inspect(path)
    assert header.metadata.exif is not None
    assert tiff_exif.parse(header.metadata.exif).exif == {}
    for junk in (b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"\0" * 40, b"II*\0\x08\0\0\0\x01\0" + b"\xff" * 12):
        assert tiff_exif.parse(junk).main == {}


def test_iptc_resources_are_found_among_others() -> None:
    other = b"8BIM" + (0x03ED).to_bytes(2, "big") + b"\x03abc" + (4).to_bytes(4, "big") + b"1234"
    block = iptc_to_photoshop(IPTC)
    mixed = block[:14] + other + block[14:]
    assert iptc_from_photoshop(mixed) == IPTC
    assert iptc_from_photoshop(b"Photoshop 3.0\x008BIM") is None
    assert iptc_from_photoshop(b"something else") is None


def test_a_picture_keeps_its_metadata_through_memory(tmp_path: Path) -> None:
    picture = image_files.read(make_source(tmp_path, "tiff"))
    path = image_files.write(replace(picture, source=None), tmp_path / "b.tif")
    before, after = picture.metadata, image_files.inspect(path).metadata
    assert (after.icc, after.iptc, after.orientation) == (before.icc, before.iptc, before.orientation)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.getexif()[271] == "Zeiss Ikon"
