"""Colors through ICC profiles: against lcms by way of PIL, exact on the way back, unclipped outside sRGB."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms
from skimage import data

from vasari.foundation import image_color, image_files
from vasari.foundation.errors import PictureError
from vasari.foundation.icc_matrix import matrix_profile
from vasari.foundation.image_files import Header
from vasari.foundation.picture import Metadata

# Chromaticities of red, green, blue and white, and the curve (ISO 22028-2, Adobe RGB (1998), SMPTE RP 431-2).
PROPHOTO = ((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105), (0.345704, 0.358540), 1.8)
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.312727, 0.329023), 2.19921875)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC v2 display profile by hand."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78), **tags}
    tags[b"cprt"] = b"text" + bytes(4) + b"none\0"
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(one * 65536) for one in D50))
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"test", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(24)
    head += bytes(4) + struct.pack(">3i", *(round(one * 65536) for one in D50))
    return head.ljust(128, b"\0") + table + body


def rgb_profile(primaries: tuple, curve: bytes | None = None) -> bytes:
    *corners, white, gamma = primaries
    columns = np.stack([_xyz(*corner) for corner in corners], axis=1)
    source = _xyz(*white)
    matrix = columns * np.linalg.solve(columns, source)
    adapt = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ source)) @ BRADFORD
    matrix = adapt @ matrix
    curve = curve or b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *(round(one * 65536) for one in matrix[:, band]))
        for band, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
    }
    return _profile(b"RGB ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def sampled_curve(gamma: float, count: int = 1024) -> bytes:
    samples = np.rint(np.linspace(0, 1, count) ** gamma * 65535).astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", count) + samples.tobytes()


PARAMETRIC_SRGB = (
    b"para"
    + bytes(4)
    + struct.pack(">HH5i", 3, 0, *(round(one * 65536) for one in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
)
PROFILES = {
    "prophoto": rgb_profile(PROPHOTO),
    "adobe": rgb_profile(ADOBE),
    "prophoto, sampled": rgb_profile(PROPHOTO, sampled_curve(1.8)),
    "wide with the curve of sRGB": rgb_profile(PROPHOTO, PARAMETRIC_SRGB),
    "linear": rgb_profile(ADOBE, b"curv" + bytes(4) + struct.pack(">I", 0)),
}
GREY_PROFILE = _profile(b"GRAY", {b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256)) + bytes(2)})
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
COFFEE = data.coffee()[:90, :120]


def header_of(raw: np.ndarray, icc: bytes) -> Header:
    rows, width, bands = raw.shape
    return Header("tiff", width, rows, bands, 8 * raw.itemsize, metadata=Metadata(icc=icc))


def noise(depth: int, bands: int) -> np.ndarray:
    kind = np.uint8 if depth == 8 else np.uint16
    return np.random.default_rng(depth).integers(0, 2**depth, (60, 70, bands)).astype(kind)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", PROFILES)
def test_encoding_what_was_decoded_gives_the_same_bits(name: str, depth: int) -> None:
    raw = noise(depth, 3)
    header = header_of(raw, PROFILES[name])
    np.testing.assert_array_equal(image_files.encode(image_files.decode(raw, header), raw, header), raw)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", PROFILES)
def test_the_inverse_is_true_even_where_pixels_changed(name: str, depth: int) -> None:
    # A blank "source" makes every pixel count as changed.
    raw = noise(depth, 3)
    header = header_of(raw, PROFILES[name])
    blank = np.full_like(raw, 7)
    found = image_files.encode(image_files.decode(raw, header), blank, header).astype(int)
    # A dark channel beside bright ones loses the last bits of its light in float32; and the sampled curve is
    # flat over its first 64 codes.
    assert np.abs(found - raw).max() <= (0 if depth == 8 else 64)
    assert np.abs(found - raw).mean() <= 0.25


@pytest.mark.parametrize("name", PROFILES)
def test_tables_agree_with_lcms(name: str) -> None:
    icc = PROFILES[name]
    assert matrix_profile(icc, 3) is not None
    raw = noise(16, 3)
    ours, theirs = image_files.decode(raw, header_of(raw, icc)), image_color.through_lcms(raw, icc)
    assert float((ours - theirs).abs().max()) < 8e-3
    assert float((ours - theirs).abs().mean()) < 5e-4


def test_colors_within_srgb_agree_with_pil(tmp_path: Path) -> None:
    wide = ImageCms.profileToProfile(
        Image.fromarray(COFFEE),
        ImageCms.createProfile("sRGB"),
        ImageCms.getOpenProfile(_file(tmp_path / "a.icc", PROFILES["adobe"])),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    raw = np.asarray(wide)
    pixels = image_files.decode(raw, header_of(raw, PROFILES["adobe"]))
    assert np.abs(pixels.permute(1, 2, 0).numpy() * 255 - COFFEE).mean() < 0.7


def _file(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_wide_colors_are_not_clipped() -> None:
    raw = np.array([[[0, 65535, 0], [65535, 0, 0], [65535, 65535, 65535]]], np.uint16)
    pixels = image_files.decode(raw, header_of(raw, PROFILES["prophoto"]))
    assert float(pixels.min()) < -0.1 and float(pixels.max()) > 1.1
    torch.testing.assert_close(pixels[:, 0, 2], torch.ones(3), atol=2e-3, rtol=0)


def test_grey_profiles_stay_grey() -> None:
    raw = noise(16, 1)
    header = header_of(raw, GREY_PROFILE)
    pixels = image_files.decode(raw, header)
    expected = image_color.srgb_encode(torch.from_numpy((raw[:, :, 0] / 65535.0) ** (round(1.8 * 256) / 256)))
    torch.testing.assert_close(pixels[0], expected.float(), atol=1e-4, rtol=0)
    assert float((pixels - image_color.through_lcms(raw, GREY_PROFILE)).abs().max()) < 8e-3
    np.testing.assert_array_equal(image_files.encode(pixels, raw, header), raw)
    found = image_files.encode(pixels, np.zeros_like(raw), header).astype(int)
    assert np.abs(found - raw).max() <= 2


def test_a_profile_of_srgb_is_plain_scaling() -> None:
    raw = noise(8, 3)
    assert not image_color.needs_conversion(SRGB, 3, 8)
    np.testing.assert_array_equal(
        image_files.decode(raw, header_of(raw, SRGB)).permute(1, 2, 0).numpy(), raw.astype(np.float32) / 255
    )


@pytest.mark.parametrize("icc", [b"", b"x" * 30, PROFILES["adobe"][:200], GREY_PROFILE, LAB], ids=range(5))
def test_profiles_that_do_not_fit_are_carried_and_not_used(icc: bytes) -> None:
    raw = noise(8, 3)
    header = header_of(raw, icc)
    np.testing.assert_allclose(image_files.decode(raw, header).permute(1, 2, 0).numpy() * 255, raw, atol=1e-3)


def test_a_wide_16_bit_scan_comes_out_as_it_went_in(tmp_path: Path) -> None:
    raw = (COFFEE.astype(np.uint16) * 257) ^ 5
    tifffile.imwrite(tmp_path / "a.tif", raw, photometric="rgb", iccprofile=PROFILES["prophoto"])
    picture = image_files.read(tmp_path / "a.tif")
    image_files.write(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].tags[34675].value == PROFILES["prophoto"]
        assert np.abs(file.asarray().astype(int) - raw).max() <= 2


def test_float_files_with_a_wide_profile_are_refused(tmp_path: Path) -> None:
    raw = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", raw, photometric="rgb", iccprofile=PROFILES["prophoto"])
    with pytest.raises(PictureError, match="floating-point"):
        image_files.read(tmp_path / "a.tif")


def test_the_srgb_curve_is_odd_and_inverts() -> None:
    values = torch.linspace(-2, 2, 4001, dtype=torch.float64)
    torch.testing.assert_close(image_color.srgb_decode(image_color.srgb_encode(values)), values, atol=1e-6, rtol=0)
    torch.testing.assert_close(image_color.srgb_encode(-values), -image_color.srgb_encode(values))
