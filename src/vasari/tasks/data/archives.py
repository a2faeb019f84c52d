"""Pictures in a .zip, read member by member; nothing is extracted."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vasari.foundation.errors import PlanError
from vasari.tasks.data.entries import MAX_FILE_BYTES, SUFFIXES, Entry, Listing, label_of, limited

#: A member above the first that is packed tighter than the second is taken for a decompression bomb: unpacked
#: pictures (BMP, plain TIFF) of real scenes pack by 2 to 20.
HARMLESS_BYTES = 32 << 20
HIGHEST_RATIO = 200


@dataclass(frozen=True)
class MemberReader:
    """Reads one member; refuses a bomb before it is unpacked."""

    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

    def __call__(self) -> bytes:
        size, packed = self.member.file_size, max(1, self.member.compress_size)
        if size > HARMLESS_BYTES and size / packed > HIGHEST_RATIO:
            raise ValueError(f"{packed} bytes unpack to {size}: a decompression bomb?")
        with self.archive.open(self.member) as file:
            return limited(file.read(MAX_FILE_BYTES + 1))


def list_zip(path: Path, called: str, label_column: str) -> Listing:
    """The pictures of an archive, sorted; hidden members are left out.

    A folder in which all pictures lie gives no label: the folders within it do. Raises `PlanError` for what is no
    zip archive.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise PlanError(f"{path} is no zip archive: {error}.", remedy="name another, or unpack it") from error
    listing = Listing()
    found: list[zipfile.ZipInfo] = []
    for member in sorted(archive.infolist(), key=lambda one: one.filename):
        parts = PurePosixPath(member.filename).parts
        if member.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        suffix = PurePosixPath(member.filename).suffix.lower()
        if suffix in SUFFIXES:
            found.append(member)
        else:
            listing.left_out[suffix or "no suffix"] += 1
    tops = {one.filename.partition("/")[0] if "/" in one.filename else "" for one in found}
    within = f"{tops.pop()}/" if len(tops) == 1 and tops != {""} else ""
    for member in found:
        place = member.filename
        stamp = f"{path.resolve()}|{place}|{member.file_size}|{member.CRC}|{member.header_offset}"
        label = label_of(place.removeprefix(within), called)
        listing.entries.append(Entry(f"{called}/{place}", label, stamp, MemberReader(archive, member)))
    return listing
