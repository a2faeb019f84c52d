"""Addresses of buckets: read, refused, and told from paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from vasari.foundation.bucket_addresses import BucketAddress, folder_only, looks_like_address, output_of
from vasari.foundation.errors import PlanError


@pytest.mark.parametrize(
    ("text", "bucket", "folder"),
    [
        ("s3://scans/box/restored", "scans", "box/restored"),
        ("s3://scans/box/", "scans", "box"),
        ("s3://my.scans-2", "my.scans-2", ""),
        ("s3://scans/", "scans", ""),
        ("s3://scans/ä b", "scans", "ä b"),
    ],
)
def test_an_address_is_a_bucket_and_a_folder(text: str, bucket: str, folder: str) -> None:
    found = output_of(text)
    assert found == BucketAddress(bucket, folder)
    assert str(found) == text.removesuffix("/") and output_of(str(found)) == found
    assert str(found / "1890") == f"{text.removesuffix('/')}/1890"


@pytest.mark.parametrize(
    "text",
    ["s3:/scans/box", "s3://", "s3:///box", "s3://Scans/box", "s3://a/b", "s3://scans//box", "s3://scans/../x"],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(PlanError) as caught:
        output_of(text)
    assert "s3://BUCKET/FOLDER" in caught.value.remedy


@pytest.mark.parametrize("text", ["gs://scans/box", "az://scans/box", "https://host/scans", "file:///tmp/out"])
def test_other_addresses_are_refused_by_name(text: str) -> None:
    with pytest.raises(PlanError, match=f"results are not written to {text.split(':')[0]}"):
        output_of(text)


def test_a_path_is_a_path() -> None:
    assert output_of("restored/1890") == Path("restored/1890")
    assert output_of("~/a: b") == Path("~/a: b")
    assert not looks_like_address(Path("/tmp/a:b/c"))
    assert looks_like_address(Path("s3://scans/box"))  # which a path writes with one slash
    assert folder_only(Path("x"), "Films") == Path("x")
    with pytest.raises(PlanError, match="Films are not written to a bucket"):
        folder_only(BucketAddress("scans"), "Films")
