"""The objects below one address in a bucket of S3, by s3fs: asked for, put whole, copied by the server, deleted.

Who may, where and how is read as every program of S3 does: AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL,
AWS_REGION and the like, or the shared files in ~/.aws. Names are relative to the address.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_failures import Precondition, in_words, refused
from vasari.foundation.errors import MissingExtraError, WriteError

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_S, READ_S = 10, 60
#: botocore tries again by itself (AWS_MAX_ATTEMPTS); s3fs would do that five times over.
_TRIES = 1
#: Larger files go up in parts of this size, so many at a time, and are seen when all are there.
PART_BYTES = 16 << 20
PARTS_AT_A_TIME = 4
#: Larger objects are copied in parts: one request may copy 5 GB, and would take longer than is waited for.
COPY_WHOLE_BYTES = 256 << 20
#: Objects that one request deletes, by the rules of S3; and the bytes of a key.
DELETED_AT_ONCE = 1000
LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True)
class Found:
    """An object as the server tells of it: size, time of change in ns (whole seconds), tag, and what was put with it.

    `age_s` is by the server's own clock; `facts` are empty where a listing told, which leaves them out.
    """

    bytes: int
    mtime_ns: int
    etag: str
    facts: Mapping[str, str]
    age_s: float = 0.0


class Bucket:
    """The objects below `address`; safe to share between threads, not between processes.

    `endpoint` and `region` are those of another machine's `Bucket`, else as this machine is set up. All methods raise
    `PlaceLostError` where the server cannot be reached or refuses, and `WriteError` for what is wrong with one object.
    """

    def __init__(self, address: BucketAddress, endpoint: str | None = None, region: str | None = None) -> None:
        self.address = address
        times = {"connect_timeout": CONNECT_S, "read_timeout": READ_S}
        own = {"region_name": region} if region else {}
        self._files = _s3fs().S3FileSystem(
            endpoint_url=endpoint, client_kwargs=own, config_kwargs=times, max_concurrency=PARTS_AT_A_TIME,
            skip_instance_cache=True, use_listings_cache=False,
        )  # fmt: skip
        self._files.retries = _TRIES

    def where(self) -> tuple[str | None, str | None]:
        """The endpoint, if it is not Amazon's own, and the region: what another machine needs to find this bucket."""
        with in_words(self.address):
            meta = self._files.s3.meta
        host = urlsplit(meta.endpoint_url).hostname or ""
        endpoint = None if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else meta.endpoint_url
        return endpoint, None if meta.region_name == "aws-global" else meta.region_name

    def check(self) -> None:
        """Ask for one name, which tells whether there is a bucket and one may; raises `PlaceLostError`."""
        self._ask("list_objects_v2", Prefix=self._key(""), MaxKeys=1)

    def check_rights(self, name: str) -> None:
        """Put an object of this name and delete it, which tells whether one may; raises `PlaceLostError`."""
        self.put(name, b"", {})
        self.delete([name])

    def find(self, name: str) -> Found | None:
        """What stands under a name; None for nothing."""
        told = self._ask("head_object", name, missing=True)
        if told is None:
            return None
        sent = told["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(sent) if sent else datetime.datetime.now(datetime.UTC)
        age = (now - told["LastModified"]).total_seconds()
        facts = told.get("Metadata", {})
        return Found(told["ContentLength"], _whole_seconds(told["LastModified"]), told["ETag"], facts, age)

    def read(self, name: str) -> bytes | None:
        """The bytes of a small object; None where there is none."""
        told = self._ask("get_object", name, missing=True)
        if told is None:
            return None
        with in_words(self.address / name):
            from fsspec.asyn import sync

            return bytes(sync(self._files.loop, told["Body"].read))

    def listed(self, below: str = "") -> Iterator[tuple[str, Found]]:
        """All objects whose names begin with `below`, with their names."""
        prefix, root = self._key(below), len(self._key(""))
        more: dict[str, Any] = {}
        while True:
            told = self._ask("list_objects_v2", Prefix=prefix, **more)
            for one in told.get("Contents", ()):
                found = Found(one["Size"], _whole_seconds(one["LastModified"]), one["ETag"], {})
                yield one["Key"][root:], found
            if not told.get("IsTruncated"):
                return
            more = {"ContinuationToken": told["NextContinuationToken"]}

    def put(
        self, name: str, data: bytes, facts: Mapping[str, str], *, new: bool = False, over: str | None = None
    ) -> str:
        """Put a small object whole; its tag.

        Raises `bucket_failures.Precondition` where it is to be `new` and there is one, or there is another than the
        one of the tag `over`; a server that knows no conditions puts it all the same.
        """
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if new else {"IfMatch": over} if over else {}
        told = self._ask("put_object", name, missing=True, Body=data, Metadata=dict(facts), **condition)
        if told is None:
            raise Precondition("there is none")
        return str(told["ETag"])

    def put_file(self, path: Path, name: str, facts: Mapping[str, str]) -> None:
        """Put a file of any size whole: it is seen when the last byte is there."""
        with in_words(self.address / name):
            self._files.put_file(
                str(path), f"{self.address.bucket}/{self._key(name)}",
                chunksize=PART_BYTES, max_concurrency=PARTS_AT_A_TIME, Metadata=dict(facts),
            )  # fmt: skip

    def copy(self, name: str, target: str, size: int) -> int:
        """Have the server copy an object of so many bytes, with what was put with it; its time of change in ns.

        The copy is seen when it is whole.
        """
        source, bucket = self._key(name), self.address.bucket
        if size <= COPY_WHOLE_BYTES:
            told = self._ask("copy_object", target, missing=True, CopySource={"Bucket": bucket, "Key": source})
            if told is not None:
                return _whole_seconds(told["CopyObjectResult"]["LastModified"])
        told = self._ask("head_object", name, missing=True)
        if told is None:
            raise WriteError(
                f"{self.address / name} was gone before it could be copied to its place.",
                remedy="see whether a rule of the bucket or another program deletes there, then run the command again",
            )
        with in_words(self.address / target):
            self._files.cp_file(
                f"{bucket}/{source}", f"{bucket}/{self._key(target)}",
                Metadata=told.get("Metadata", {}), ContentType=told["ContentType"],
            )  # fmt: skip
        return _whole_seconds(self._ask("head_object", target)["LastModified"])

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are not there are none's concern.

        Raises for the first that the server refused; it answers for each, and deletes the others.
        """
        for start in range(0, len(names), DELETED_AT_ONCE):
            keys = [{"Key": self._key(one)} for one in names[start : start + DELETED_AT_ONCE]]
            told = self._ask("delete_objects", Delete={"Objects": keys, "Quiet": True})
            for one in told.get("Errors", ()):
                where = BucketAddress(self.address.bucket) / one.get("Key", "")
                error = refused(str(one.get("Code", "")), where)
                if error is not None:
                    raise error

    def _ask(self, method: str, name: str | None = None, *, missing: bool = False, **given: Any) -> Any:
        """One request; None where there is no such object and that is no failure."""
        key = {} if name is None else {"Key": self._key(name)}
        try:
            with in_words(self.address if name is None else self.address / name):
                return self._files.call_s3(method, Bucket=self.address.bucket, **key, **given)
        except FileNotFoundError:
            if missing:
                return None
            raise

    def _key(self, name: str) -> str:
        """The key of a name; raises `WriteError` where S3 cannot have it."""
        key = f"{self.address.folder}/{name}".removeprefix("/")
        shown = key.encode("utf-8", "surrogateescape")
        why = ""
        if len(shown) > LONGEST_KEY_BYTES:
            why = f"is longer than the {LONGEST_KEY_BYTES} bytes that S3 allows"
        elif "?versionId=" in key:  # taken for a part of the address by s3fs
            why = "holds '?versionId='"
        else:
            try:
                key.encode()
            except UnicodeEncodeError:
                why = "is no UTF-8"
        if why:
            raise WriteError(f"The name {shown.decode(errors='replace')} {why}.", remedy="rename the source")
        return key


def _whole_seconds(time: datetime.datetime) -> int:
    """In ns since 1970; a listing may tell fractions of a second, which other answers do not."""
    return int(time.timestamp()) * 1_000_000_000


def _s3fs() -> ModuleType:
    try:
        import s3fs
    except ImportError:
        raise MissingExtraError("Writing to a bucket", "s3") from None
    return s3fs
