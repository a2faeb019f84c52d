"""Objects in a bucket, on a server of S3: put whole, found, copied, deleted; and what goes wrong, in words."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from vasari.foundation import buckets
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_failures import Precondition
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import MissingExtraError, PlaceLostError, WriteError


@pytest.fixture
def there(bucket: BucketAddress) -> Bucket:
    return Bucket(bucket)


def test_an_object_is_found_with_what_was_put_with_it(there: Bucket, bucket: BucketAddress) -> None:
    there.put("box/ä b.png", b"bytes", {"vasari-job": "j"})
    found = there.find("box/ä b.png")
    assert found is not None and (found.bytes, found.facts) == (5, {"vasari-job": "j"})
    assert 0 <= found.age_s < 60 and found.mtime_ns % 10**9 == 0
    assert there.read("box/ä b.png") == b"bytes"
    assert Bucket(BucketAddress(bucket.bucket)).read(f"{bucket.folder}/box/ä b.png") == b"bytes"
    assert there.find("box") is there.read("box") is None
    ((name, listed),) = there.listed()
    assert name == "box/ä b.png" and (listed.bytes, listed.mtime_ns) == (found.bytes, found.mtime_ns)
    there.delete(["box/ä b.png", "none"])
    assert not list(there.listed())


def test_the_bucket_itself_is_a_place_and_neighbors_are_not_in_it(bucket: BucketAddress) -> None:
    whole, box, other = (Bucket(BucketAddress(bucket.bucket, one)) for one in ("", "box", "boxes"))
    for one in (whole, box, other):
        one.put("a", b"", {})
    assert [name for name, _ in box.listed()] == ["a"]
    assert [name for name, _ in whole.listed()] == ["a", "box/a", "boxes/a"]
    assert [name for name, _ in whole.listed("box/")] == ["box/a"]


def test_long_listings_come_in_parts(there: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # S3 tells 1000 at a time
    names = [f"{number:02}" for number in range(8)]
    for name in names:
        there.put(name, b"", {})
    assert [name for name, _ in there.listed()] == names


def test_a_large_file_goes_up_in_parts_and_is_copied_in_parts(
    there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import s3fs.core

    data = np.random.default_rng(1).bytes((11 << 20) + 5)
    (tmp_path / "scan.tif").write_bytes(data)
    monkeypatch.setattr(buckets, "PART_BYTES", 5 << 20)
    there.put_file(tmp_path / "scan.tif", "work/one.tif", {"vasari-sha256": "x"})
    found = there.find("work/one.tif")
    assert found is not None and found.etag.strip('"').endswith("-3")  # as S3 marks what came in three parts
    assert there.copy("work/one.tif", "whole.tif", len(data)) == there.find("whole.tif").mtime_ns  # type: ignore[union-attr]
    monkeypatch.setattr(buckets, "COPY_WHOLE_BYTES", 5 << 20)
    monkeypatch.setattr(s3fs.core, "MANAGED_COPY_THRESHOLD", 5 << 20)
    there.copy("work/one.tif", "parts.tif", len(data))
    for name in ("whole.tif", "parts.tif"):
        copied = there.find(name)
        assert copied is not None and copied.facts == {"vasari-sha256": "x"}
        assert there.read(name) == data


def test_conditions_hold(there: Bucket) -> None:
    first = there.put("lock", b"1", {}, new=True)
    with pytest.raises(Precondition):
        there.put("lock", b"2", {}, new=True)
    second = there.put("lock", b"2", {}, over=first)
    with pytest.raises(Precondition):
        there.put("lock", b"3", {}, over=first)
    with pytest.raises(Precondition):
        there.put("none", b"3", {}, over=second)
    assert there.read("lock") == b"2"


def test_what_is_gone_cannot_be_copied(there: Bucket) -> None:
    with pytest.raises(WriteError, match="was gone before") as caught:
        there.copy("work/one", "one", 10)
    assert not isinstance(caught.value, PlaceLostError)


@pytest.mark.parametrize(
    ("name", "why"),
    [("x" * 1030, "longer than the 1024 bytes"), ("a\udcff.tif", "no UTF-8"), ("a?versionId=3", "holds")],
)
def test_names_that_a_bucket_cannot_have_are_refused(there: Bucket, name: str, why: str) -> None:
    with pytest.raises(WriteError, match=why) as caught:
        there.put(name, b"", {})
    assert "rename" in caught.value.remedy and not isinstance(caught.value, PlaceLostError)


def test_a_bucket_that_is_none(bucket: BucketAddress) -> None:
    with pytest.raises(PlaceLostError, match=r"There is no bucket nobody-s\.") as caught:
        Bucket(BucketAddress("nobody-s", "x")).check()
    assert "AWS_ENDPOINT_URL" in caught.value.remedy


def test_a_server_that_is_none(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://somebody:secret@127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(PlaceLostError, match="server of s3://scans cannot be reached") as caught:
        Bucket(BucketAddress("scans")).check()
    assert "secret" not in str(caught.value)


def test_an_address_of_a_server_that_is_none(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "somebody:secret@//minio")
    with pytest.raises(PlaceLostError, match="s3://scans cannot be used: Invalid endpoint") as caught:
        Bucket(BucketAddress("scans")).check()
    assert "AWS_*" in caught.value.remedy
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://somebody:secret@mi nio")
    with pytest.raises(PlaceLostError) as caught:
        Bucket(BucketAddress("scans")).check()
    assert "secret" not in str(caught.value)


def test_no_credentials(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PlaceLostError, match="no credentials for s3://scans") as caught:
        Bucket(BucketAddress("scans")).check()
    assert "AWS_PROFILE" in caught.value.remedy


def test_a_profile_that_is_none(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(PlaceLostError, match="nobody"):
        Bucket(BucketAddress("scans")).check()


def test_who_may_not_is_told(there: Bucket, bucket: BucketAddress) -> None:
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket.bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    there._files.call_s3("put_bucket_policy", Bucket=bucket.bucket, Policy=policy)
    for ask in (lambda: there.put("a", b"", {}), lambda: there.find("a"), lambda: there.read("a")):
        with pytest.raises(PlaceLostError, match=f"Access to {bucket}/a is denied") as caught:
            ask()
    assert "put and delete" in caught.value.remedy


def test_who_may_put_and_not_delete_is_told(there: Bucket, bucket: BucketAddress) -> None:
    there.check_rights("work/trial")
    assert not list(there.listed())
    for name in ("a", "b"):
        there.put(name, b"", {})
    kept = f"arn:aws:s3:::{bucket.bucket}/{bucket.folder}/a"
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": kept}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    there._files.call_s3("put_bucket_policy", Bucket=bucket.bucket, Policy=policy)
    for ask in (lambda: there.delete(["a", "b"]), lambda: there.check_rights("a")):
        with pytest.raises(PlaceLostError, match=f"Access to {bucket}/a is denied"):
            ask()
    assert [name for name, _ in there.listed()] == ["a"]


def test_what_concerns_one_object_alone_is_told_of_it(there: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"Key": "box/a", "Code": "NoSuchKey"}, {"Key": "box/b", "Code": "MethodNotAllowed"}]
    monkeypatch.setattr(Bucket, "_ask", lambda *asked, **given: {"Errors": answers})
    with pytest.raises(WriteError, match=r"/box/b could not be deleted \(MethodNotAllowed\)") as caught:
        there.delete(["a", "b"])
    assert not isinstance(caught.value, PlaceLostError)


def test_a_silent_server_is_asked_as_often_as_botocore_is_told(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not five times as often, by s3fs."""
    monkeypatch.setattr(buckets, "READ_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = Bucket(BucketAddress("scans"), f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(PlaceLostError, match="cannot be reached"):
            there.check()
        silent.settimeout(0.0)
        asked = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
    assert asked == int(os.environ["AWS_MAX_ATTEMPTS"])


@pytest.mark.parametrize("key", ["unknown", "wrong"])
def test_credentials_that_are_none(
    s3_server: str, aws: None, bucket: BucketAddress, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    known = _access_key(s3_server)
    with _asked_who(s3_server):
        there = Bucket(bucket)
        there._files.key, there._files.secret = known if key == "wrong" else "AKIANOBODY", "none"
        with pytest.raises(PlaceLostError, match="takes no such credentials") as caught:
            there.check()
    assert "none" not in caught.value.message and known not in str(caught.value)


def _access_key(server: str) -> str:
    """That of somebody the server knows."""
    import boto3

    client = boto3.client("iam", endpoint_url=server)
    client.create_user(UserName=(name := secrets.token_hex(4)))
    return str(client.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])


@contextmanager
def _asked_who(server: str) -> Iterator[None]:
    """The server looks at credentials, as it does not else."""
    from urllib.request import Request, urlopen

    def after(requests: int) -> None:
        kind = {"Content-Type": "text/plain"}
        urlopen(Request(f"{server}/moto-api/reset-auth", str(requests).encode(), kind, method="POST")).close()

    after(0)
    try:
        yield
    finally:
        after(10**9)


def test_another_machine_is_told_where_the_bucket_is(
    there: Bucket, s3_server: str, bucket: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.put("a", b"1", {})
    endpoint, region = there.where()
    assert (endpoint, region) == (s3_server, "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert Bucket(bucket, endpoint, region).read("a") == b"1"
    assert Bucket(bucket).where() == (None, "us-east-1")  # Amazon's own endpoints are found by everybody


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError) as caught:
        Bucket(BucketAddress("scans"))
    assert "vasari[s3]" in caught.value.remedy
