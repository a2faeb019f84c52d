"""An archive, or a part of it, as a BagIt bag (RFC 8493): records, events and the pictures themselves.

Everything is copied; what is bagged is never moved or changed. The bag is visible only when the library `bagit` of the
Library of Congress has found it valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from vasari.archive.backup import copied_file
from vasari.archive.exports.linked import write_json_ld
from vasari.archive.exports.premis import write_events
from vasari.archive.exports.records import Record, records
from vasari.archive.exports.table import write_csv
from vasari.archive.exports.targets import whole_folder
from vasari.archive.fixity import hash_of_file
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import MissingExtraError, WriteError
from vasari.foundation.treatment import now
from vasari.foundation.version import VERSION

#: The file by which a bag is known (RFC 8493, section 2.1.1).
SIGN = "bagit.txt"


@dataclass
class Bagged:
    """What a bag holds; `wrong` are the pictures that are missing or not what the archive recorded, and left out."""

    works: int = 0
    pictures: int = 0
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)


def write_bag(
    connection: Connection, archive_folder: Path, target: Path, archive_id: str, query: str, *, overwrite: bool = False
) -> Bagged:
    """Write a bag with `data/catalog.csv`, `data/catalog.jsonld`, `data/events.jsonl` and `data/pictures/HASH.ext`.

    Raises `MissingExtraError` without the package `bagit`, `PlanError`, `WriteError`.
    """
    try:
        import bagit  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise MissingExtraError("A BagIt export", "archive") from error
    done = Bagged()
    with whole_folder(target, SIGN, overwrite=overwrite) as folder:
        data = folder / "data"
        done.works = write_csv(records(connection, query), data / "catalog.csv")
        write_json_ld(records(connection, query), data / "catalog.jsonld", archive_id)
        write_events(connection, data / "events.jsonl")
        sums = {f"data/{one.name}": hash_of_file(one) for one in sorted(data.iterdir())}
        for record in records(connection, query):
            _copy_pictures(record, archive_folder, folder, sums, done)
        sizes = [(folder / name).stat().st_size for name in sums]
        done.bytes = sum(sizes)
        _write_tags(folder, sums, sum(sizes), archive_id)
        try:
            bagit.Bag(str(folder)).validate()
        except bagit.BagError as error:
            raise WriteError(f"The bag is not valid: {error}.", remedy="check the disks; run it again") from error
    return done


def _copy_pictures(record: Record, archive_folder: Path, folder: Path, sums: dict[str, str], done: Bagged) -> None:
    for file in record.files:
        name = f"data/pictures/{file['sha256']}{Path(file['path']).suffix.lower()}"
        if file["page"] or name in sums:
            continue
        try:
            found = copied_file(archive_folder / file["path"], folder / name)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
            done.wrong.append(file["path"])
            continue
        if found != file["sha256"]:
            (folder / name).unlink()
            done.wrong.append(file["path"])
            continue
        sums[name] = found
        done.pictures += 1


def _write_tags(folder: Path, sums: dict[str, str], size: int, archive_id: str) -> None:
    info = {
        "Bag-Software-Agent": f"Vasari {VERSION}",
        "Bagging-Date": now()[:10],
        "External-Identifier": archive_id,
        "Payload-Oxum": f"{size}.{len(sums)}",
    }
    tags = {
        SIGN: "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": "".join(f"{name}: {value}\n" for name, value in info.items()),
        "manifest-sha256.txt": "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()),
    }
    for name, text in tags.items():
        write_whole(folder / name, text.encode())
    listed = "".join(f"{hash_of_file(folder / name)}  {name}\n" for name in tags)
    write_whole(folder / "tagmanifest-sha256.txt", listed.encode())
