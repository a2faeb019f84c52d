"""Decoding: every kind of file ends as the right 8-bit RGB; what is no sound picture is refused."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin
from skimage import color, data

from vasari.tasks.data.decoding import corrected, decode


def as_file(picture: Image.Image | np.ndarray, format: str = "PNG", **options: Any) -> bytes:
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def as_tiff(picture: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, picture, **options)
    return file.getvalue()


def pixels(file: bytes, kept_px: int = 4096) -> np.ndarray:
    return decode(file, kept_px, "rgb", "none").pixels


def test_whole_pictures_come_as_they_are(pictures: dict[str, np.ndarray]) -> None:
    decoded = decode(as_file(pictures["cat"]), 160, "rgb", "none")
    assert np.array_equal(decoded.pixels, pictures["cat"])
    assert (decoded.width, decoded.height, decoded.is_grey) == (240, 160, False)


def test_sixteen_bits_become_eight(pictures: dict[str, np.ndarray]) -> None:
    grey, rgb = data.camera()[:64, :80], pictures["cat"]
    wide_grey, wide_rgb = grey.astype(np.uint16) * 257, rgb.astype(np.uint16) * 257
    assert np.array_equal(pixels(as_file(wide_grey)), np.stack([grey] * 3, 2))
    assert np.array_equal(pixels(as_tiff(wide_grey)), np.stack([grey] * 3, 2))
    assert np.array_equal(pixels(as_tiff(wide_grey.astype(">u2"), byteorder=">")), np.stack([grey] * 3, 2))
    assert np.array_equal(pixels(as_tiff(wide_rgb, photometric="rgb")), rgb)
    assert np.array_equal(pixels(as_tiff(grey.astype(np.float32) / 255)), np.stack([grey] * 3, 2))
    ok, file = cv2.imencode(".png", wide_rgb[..., ::-1])
    assert ok and np.array_equal(pixels(file.tobytes()), rgb)


def test_dark_sixteen_bits_stay_dark() -> None:
    """Scaled by the range of the format, not by the brightest pixel."""
    assert pixels(as_file(np.full((16, 16), 257 * 9, np.uint16))).max() == 9


def test_transparency_lies_over_white(pictures: dict[str, np.ndarray]) -> None:
    alpha = np.tile(np.linspace(0, 255, 240).astype(np.uint8), (160, 1))
    share = alpha[..., None] / 255
    expected = pictures["cat"] * share + 255 * (1 - share)
    assert np.abs(pixels(as_file(np.dstack([pictures["cat"], alpha]))) - expected).max() <= 1
    grey = np.dstack([pictures["cat"][..., 0], alpha])
    assert np.abs(pixels(as_file(Image.fromarray(grey, "LA")))[..., 1] - expected[..., 0]).max() <= 1


def test_transparency_does_not_bleed_when_reduced() -> None:
    """The hidden color of transparent pixels must not show at the border."""
    samples = np.zeros((64, 64, 4), np.uint8)
    samples[:, 32:] = (255, 255, 255, 255)  # hidden black to the left, opaque white to the right
    assert pixels(as_file(samples), 16).min() >= 254


def test_palettes_are_resolved(pictures: dict[str, np.ndarray]) -> None:
    few = Image.fromarray(pictures["cat"]).quantize(16)
    assert np.array_equal(pixels(as_file(few)), np.asarray(few.convert("RGB")))
    assert np.array_equal(pixels(as_file(few, "GIF")), np.asarray(few.convert("RGB")))
    hidden = pixels(as_file(few, transparency=3))
    assert (hidden[np.asarray(few) == 3] == 255).all()
    bits = Image.fromarray(pictures["cat"]).convert("1")
    assert np.array_equal(pixels(as_file(bits))[..., 0], np.asarray(bits) * np.uint8(255))


def test_cmyk_comes_near_the_original(pictures: dict[str, np.ndarray]) -> None:
    cmyk = Image.fromarray(pictures["cat"]).convert("CMYK")
    assert np.abs(pixels(as_file(cmyk, "JPEG", quality=98)).astype(int) - pictures["cat"]).mean() < 3


def test_profiles_are_turned_into_srgb() -> None:
    """A file in L*a*b* numbers is no RGB; what PIL's color management makes of a wide profile is what we keep."""
    from vasari.foundation.icc_matrix import matrix_profile

    rgb = data.astronaut()[:64, :64]
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256))
    prophoto = {b"rXYZ": (0.7977, 0.2880, 0.0), b"gXYZ": (0.1352, 0.7119, 0.0), b"bXYZ": (0.0314, 0.0001, 0.8249)}
    tags = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in row))
        for name, row in prophoto.items()
    }
    tags |= {b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma}
    tags |= {b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)}
    profile = icc_profile(tags)
    assert matrix_profile(profile, 3) is not None
    got = pixels(as_file(rgb, icc_profile=profile)).astype(float)
    # by hand: ProPhoto -> linear -> XYZ (D50) -> linear sRGB (Bradford-adapted matrix of the sRGB profile) -> sRGB
    to_xyz = np.array(list(prophoto.values())).T
    from_srgb = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
    linear = ((rgb / 255) ** 1.8 @ (np.linalg.inv(from_srgb) @ to_xyz).T).clip(0, 1)
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert np.abs(got - expected).mean() < 1.0
    assert np.abs(got - rgb).mean() > 5.0


def icc_profile(tags: dict[bytes, bytes]) -> bytes:
    """An ICC v2 display profile by hand."""
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", offset + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


def test_a_damaged_profile_does_no_harm(pictures: dict[str, np.ndarray]) -> None:
    assert np.array_equal(pixels(as_file(pictures["cat"], icc_profile=b"no profile at all")), pictures["cat"])
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(pixels(as_file(pictures["cat"], icc_profile=srgb)), pictures["cat"])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(pictures: dict[str, np.ndarray], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = as_file(pictures["cat"], exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    decoded = decode(file, 160, "rgb", "none")
    assert np.array_equal(decoded.pixels, expected)
    assert (decoded.height, decoded.width) == expected.shape[:2]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_exif_block_does_no_harm(pictures: dict[str, np.ndarray]) -> None:
    file = as_file(pictures["cat"], "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pixels(file).shape == pictures["cat"].shape


def test_reduction_weighs_all_pixels() -> None:
    """Near to the mean over areas, far from picking single pixels, which would alias."""
    picture = data.astronaut()
    area = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    picked = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_NEAREST)
    for file in (as_file(picture), as_file(picture, "JPEG", quality=97, subsampling=0)):
        kept = pixels(file, 64)
        assert kept.shape == (64, 64, 3)
        assert np.abs(kept.astype(int) - area).mean() < 0.35 * np.abs(picked.astype(int) - area).mean()


def test_nothing_is_enlarged_and_proportions_stay(pictures: dict[str, np.ndarray]) -> None:
    assert pixels(as_file(pictures["coffee"]), 500).shape == (200, 150, 3)
    assert pixels(as_file(pictures["coffee"]), 75).shape == (100, 75, 3)


def test_the_ends_of_a_panorama_are_cut() -> None:
    picture = np.zeros((40, 400, 3), np.uint8)
    picture[:, 120:280] = 200  # the middle 4:1
    kept = decode(as_file(picture), 20, "rgb", "none")
    assert kept.pixels.shape == (20, 80, 3)
    assert kept.pixels[:, 2:-2].min() >= 198
    assert (kept.width, kept.height) == (400, 40)


def test_grey_pictures_are_known(pictures: dict[str, np.ndarray]) -> None:
    grey = np.stack([data.camera()[:100, :100]] * 3, 2)
    assert decode(as_file(grey), 50, "rgb", "none").is_grey
    assert decode(as_file(grey[..., 0], "JPEG"), 50, "rgb", "none").is_grey
    tinted = grey.copy()
    tinted[..., 2] = np.minimum(tinted[..., 2], 200) // 2
    assert not decode(as_file(tinted), 50, "rgb", "none").is_grey
    assert not decode(as_file(pictures["cat"]), 50, "rgb", "gray-world").is_grey


def test_grey_keeps_the_luma_of_bt601(pictures: dict[str, np.ndarray]) -> None:
    kept = decode(as_file(pictures["cat"]), 160, "grey", "none").pixels
    assert np.array_equal(kept[..., 0], kept[..., 1]) and np.array_equal(kept[..., 0], kept[..., 2])
    assert np.abs(kept[..., 0].astype(int) - np.asarray(Image.fromarray(pictures["cat"]).convert("L"))).max() <= 1


def test_levels_reach_from_black_to_white(pictures: dict[str, np.ndarray]) -> None:
    faded = (pictures["cat"] * 0.4 + 70).astype(np.uint8)
    better = corrected(faded, "levels")
    luma = color.rgb2yuv(better)[..., 0] * 255
    assert np.percentile(luma, 0.5) < 3 and np.percentile(luma, 99.5) > 235  # oranges are clipped
    low, high = np.percentile(color.rgb2yuv(faded)[..., 0] * 255, (0.5, 99.5))
    expected = ((faded - low) * 255 / (high - low)).clip(0, 255)
    assert np.abs(better - expected).max() < 1.5
    even = np.full((20, 20, 3), 90, np.uint8)
    assert np.array_equal(corrected(even, "levels"), even)


def test_gray_world_balances_within_bounds() -> None:
    cast = (data.camera()[..., None] * np.array([0.9, 0.75, 0.7])).astype(np.uint8)
    means = corrected(cast, "gray-world").mean((0, 1))
    assert np.ptp(means) < 2.0 < np.ptp(cast.mean((0, 1)))
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 200
    assert corrected(red, "gray-world")[0, 0].tolist() == [125, 0, 0]  # 200 / 1.6: not turned into grey


def forged_png(width: int, height: int) -> bytes:
    """A PNG whose header promises pixels that its few bytes do not hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(13_000, 13_000), (60_000, 60_000)])
def test_bombs_are_refused_by_their_header(size: tuple[int, int]) -> None:
    with pytest.raises((ValueError, Image.DecompressionBombError), match="pixels"):
        pixels(forged_png(*size))


def test_what_is_too_small_or_damaged_is_refused(pictures: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="shorter than 8"):
        pixels(as_file(np.zeros((7, 300, 3), np.uint8)))
    whole = as_file(pictures["cat"], "JPEG")
    with pytest.raises(OSError, match="truncated"):
        pixels(whole[: len(whole) // 2])
    with pytest.raises(Image.UnidentifiedImageError):
        pixels(b"a letter, and no picture")
    with pytest.raises(Image.UnidentifiedImageError):
        pixels(b"")


def test_a_multi_page_tiff_gives_its_first_page(pictures: dict[str, np.ndarray]) -> None:
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        for name in ("cat", "coffee"):
            Image.fromarray(pictures[name]).save(writer, "TIFF")
            writer.newFrame()
    assert np.array_equal(pixels(file.getvalue()), pictures["cat"])
