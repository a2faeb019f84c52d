"""Where results go: a folder, or a place in a bucket of S3, `s3://BUCKET/FOLDER`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from vasari.foundation.errors import PlanError

SCHEME = "s3"
#: What begins like an address; a `Path` makes one slash of two.
_ANY_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/+(.*)$", re.DOTALL)
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


@dataclass(frozen=True)
class BucketAddress:
    """A place in a bucket; `folder` has no slash at its ends, and is empty for the bucket itself."""

    bucket: str
    folder: str = ""

    @classmethod
    def of(cls, text: str) -> BucketAddress:
        """The address that `s3://BUCKET/FOLDER` means; raises `PlanError`."""
        rule = "write s3://BUCKET/FOLDER, as s3://scans/restored"
        bucket, _, folder = text.removeprefix(f"{SCHEME}://").partition("/")
        folder = folder.removesuffix("/")
        if not text.startswith(f"{SCHEME}://") or not _BUCKET.match(bucket):
            raise PlanError(f"{text} is no address of a bucket.", remedy=rule)
        if folder and any(part in ("", ".", "..") for part in folder.split("/")):
            raise PlanError(f"{text} names no folder: a part of it is empty, . or ...", remedy=rule)
        return cls(bucket, folder)

    def __str__(self) -> str:
        return f"{SCHEME}://{self.bucket}/{self.folder}".removesuffix("/")

    def __truediv__(self, name: str | PurePath) -> BucketAddress:
        """The address of what is called so below this one."""
        return BucketAddress(self.bucket, f"{self.folder}/{name}".removeprefix("/"))


def output_of(text: str) -> Path | BucketAddress:
    """The folder or the place in a bucket that an option names; raises `PlanError` for other addresses."""
    found = _ANY_ADDRESS.match(text)
    if found is None:
        return Path(text)
    if found[1].lower() != SCHEME:
        raise PlanError(
            f"{text} is an address, and results are not written to {found[1]}.",
            remedy="name a folder, or a place in a bucket as s3://BUCKET/FOLDER",
        )
    return BucketAddress.of(text)


def folder_only(output: Path | BucketAddress, what: str) -> Path:
    """The folder; raises `PlanError` where it is a bucket, as `what` ("Films") cannot be written there."""
    if isinstance(output, BucketAddress):
        raise PlanError(f"{what} are not written to a bucket.", remedy="name a folder with -o, and copy what is in it")
    return output


def looks_like_address(path: PurePath) -> bool:
    """True for a path that was meant as an address: `s3:/bucket/folder`, as paths write it."""
    return _ANY_ADDRESS.match(str(path)) is not None
