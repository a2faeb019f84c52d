"""The rows of a catalog: CSV of any delimiter, JSON lines, a JSON list; plain or packed by gzip."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vasari.foundation.errors import PlanError

DELIMITERS = (",", ";", "\t", "|")
#: A JSON document that is not one record a line is held in memory, and no larger than this.
LARGEST_JSON_BYTES = 2 << 30
#: Rows of JSON that are looked through for columns.
SAMPLED = 200


@dataclass(frozen=True)
class Row:
    """A row by its number in the file (the header of CSV is row 1), or what is wrong with it."""

    number: int
    values: dict[str, str]
    error: str = ""


@dataclass(frozen=True)
class Table:
    """A catalog file that was looked at: how it is written, and its columns."""

    path: Path
    format: str  # "csv" or "json"
    encoding: str
    delimiter: str
    columns: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Every row in order; ragged and unreadable ones with their error."""
        return _csv_rows(self) if self.format == "csv" else _json_rows(self.path, self.encoding)


def look_at(path: Path) -> Table:
    """How a catalog is written; raises `PlanError` for a file that is missing, empty or of another kind."""
    encoding = _encoding(path)
    with _opened(path, encoding) as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise PlanError(f"{path} is empty.", remedy="name a CSV or JSON file with records")
    if start.lstrip()[0] in "[{":
        sample = itertools.islice((row for row in _json_rows(path, encoding) if not row.error), SAMPLED)
        columns = tuple(dict.fromkeys(name for row in sample for name in row.values))
        if not columns:
            raise PlanError(f"{path} holds no records.", remedy="give a list of objects, or an object a line")
        return Table(path, "json", encoding, "", columns)
    delimiter, columns = _header(path, start)
    return Table(path, "csv", encoding, delimiter, columns)


def _opened(path: Path, encoding: str) -> IO[str]:
    # Five bytes mean nothing in Windows' alphabet; they are shown as such.
    errors = "replace" if encoding == "cp1252" else "strict"
    return io.TextIOWrapper(_bytes(path), encoding=encoding, errors=errors, newline="")


def _bytes(path: Path) -> Any:
    """The file's bytes, unpacked; raises `PlanError`."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return gzip.open(path) if packed else path.open("rb")
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror or error}.", remedy="check the name") from None


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is; UTF-16 by its mark; else Windows' Latin alphabet."""
    with _bytes(path) as file:
        try:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            decoder = codecs.getincrementaldecoder("utf-8")()
            decoder.decode(start)
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
        except (OSError, EOFError) as error:
            raise PlanError(f"{path} is damaged: {error}.", remedy="fetch it again") from None
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _header(path: Path, start: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter that divides the first row into most columns, and their names."""
    readings = {}
    for delimiter in DELIMITERS:
        try:
            readings[delimiter] = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            continue
    if not readings:
        raise PlanError(f"The first row of {path} is no header.", remedy="give CSV with the names of columns first")
    delimiter = max(readings, key=lambda one: len(readings[one]))
    columns = tuple(name.strip() for name in readings[delimiter])
    doubled = [name for name in columns if name and columns.count(name) > 1]
    if doubled:
        raise PlanError(f"{path} has the column {doubled[0]!r} twice.", remedy="rename one of them in a copy")
    return delimiter, columns


def _csv_rows(table: Table) -> Iterator[Row]:
    with _opened(table.path, table.encoding) as file:
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=table.delimiter)
        next(reader, None)
        number = 1
        while True:
            number += 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, {}, f"line {reader.line_num} is not CSV: {error}")
                continue
            except (UnicodeDecodeError, OSError, EOFError) as error:
                yield Row(number, {}, f"the file cannot be read on: {error}")
                return
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(table.columns):
                ragged = f"{len(values)} values in {len(table.columns)} columns (line {reader.line_num})"
                yield Row(number, {}, ragged)
                continue
            yield Row(number, dict(zip(table.columns, values)))


def _json_rows(path: Path, encoding: str) -> Iterator[Row]:
    """Records of a JSON document (a list, or an object with one list of objects), or of one object a line."""
    with _opened(path, encoding) as file:
        first = next((line for line in file if line.strip()), "")
        record = _object(first)
        if record is not None and not _inner_list(record):
            for number, line in enumerate(itertools.chain([first], file), start=1):
                if line.strip():
                    record = _object(line)
                    yield Row(number, _flat(record)) if record is not None else Row(number, {}, "no JSON object")
            return
    for number, record in enumerate(_document(path, encoding), start=1):
        yield Row(number, _flat(record)) if isinstance(record, dict) else Row(number, {}, "no JSON object")


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _document(path: Path, encoding: str) -> list[Any]:
    with _opened(path, encoding) as file:
        text = file.read(LARGEST_JSON_BYTES + 1)
    if len(text) > LARGEST_JSON_BYTES:
        raise PlanError(f"{path} is too large to be read at once.", remedy="give one object a line (JSON lines)")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{path} is not JSON: {error}.", remedy="correct the file") from None
    return value if isinstance(value, list) else _inner_list(value) or [value]


def _inner_list(value: dict[str, Any]) -> list[Any]:
    """The one list of objects in an object, as {"data": [{...}, ...]}; an empty one where there is none."""
    lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
    return lists[0] if len(lists) == 1 else []


def _flat(record: dict[str, Any], before: str = "") -> dict[str, str]:
    """A record as texts: lists joined by "|", inner objects as outer.inner."""
    flat: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            flat[before + name] = "|".join(_plain(one) for one in value if not isinstance(one, (dict, list)))
        else:
            flat[before + name] = _plain(value)
    return flat


def _plain(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
