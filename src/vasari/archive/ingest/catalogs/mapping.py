"""From the columns of a catalog to the fields of works: presets, the generic reading, and a user's own mapping."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vasari.archive.dates.dating import Kind
from vasari.archive.dates.parse import parse_date
from vasari.archive.ingest.catalogs.presets import PRESETS, SYNONYMS
from vasari.archive.statements import FIELDS, Claim
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import read_toml

#: What a mapping names beside the fields of works.
JOINS = ("id", "file", "sha256", "years")
#: Signs that divide the values of fields that may have several.
DIVIDERS = re.compile(r"\s*[|;]\s*")
GENERIC = "generic"

Columns = tuple[str, ...]


@dataclass(frozen=True)
class CatalogMapping:
    """Which columns tell what. `name` begins the keys of works (NAME:ID), `by` is who speaks.

    Of a field with one value the first column that is not empty counts; of fields with many all do. `years` are the
    first and the last year, which count where the date's words are missing or not understood.
    """

    name: str
    by: str
    fields: Mapping[str, Columns]
    id: Columns = ()
    file: Columns = ()
    sha256: Columns = ()
    years: Columns = ()
    passed_over: Columns = field(default=())

    def used(self) -> set[str]:
        """Every column that it reads or knowingly passes over."""
        groups = [*self.fields.values(), self.id, self.file, self.sha256, self.years, self.passed_over]
        return {column for group in groups for column in group}

    def unmapped(self, columns: Iterable[str]) -> list[str]:
        """Columns of a catalog that it says nothing of, in order."""
        used = self.used()
        return [column for column in columns if column not in used]

    def claims(self, row: Mapping[str, str]) -> list[Claim]:
        """What a row says; empty values included, so that what a catalog no longer says is taken back."""
        claims: list[Claim] = []
        for name, columns in self.fields.items():
            values = [row[column].strip() for column in columns if row.get(column, "").strip()]
            if FIELDS[name].many:
                parts = [part for value in values for part in _parts(name, value)]
                claims += [Claim(name, part) for part in dict.fromkeys(parts)] or [Claim(name, "")]
            else:
                claims.append(Claim(name, values[0].replace("|", "; ") if values else ""))
        return self._with_years(claims, row)

    def _with_years(self, claims: list[Claim], row: Mapping[str, str]) -> list[Claim]:
        if not self.years:
            return claims
        # What was made of the years before is taken back where they no longer say it.
        told = {claim.field for claim in claims}
        claims = [*claims, *(Claim(name, "") for name in ("date", "note") if name not in told)]
        years = [_year(row.get(column, "")) for column in self.years]
        years = [year for year in years if year]
        if not years:
            return claims
        words = next((claim.value for claim in claims if claim.field == "date"), "")
        if words and parse_date(words).kind is not Kind.UNKNOWN:
            return claims
        span = years[0] if len(set(years)) == 1 else f"{years[0]} - {years[-1]}"
        kept = [claim for claim in claims if claim.field != "date"]
        if words and "note" not in {claim.field for claim in kept if claim.value}:
            kept = [claim for claim in kept if claim.field != "note"] + [Claim("note", f"date: {words}")]
        return [*kept, Claim("date", span)]

    def key(self, row: Mapping[str, str]) -> str:
        """NAME:ID, or "" where the row has no id."""
        found = self.first(row, self.id)
        return f"{self.name}:{found}" if found else ""

    @staticmethod
    def first(row: Mapping[str, str], columns: Columns) -> str:
        """The first of these columns that is not empty."""
        return next((row[column].strip() for column in columns if row.get(column, "").strip()), "")


def _parts(name: str, value: str) -> list[str]:
    """The single values of a text; a remark is one whatever signs are in it."""
    return [value] if name == "note" else [part for part in DIVIDERS.split(value) if part]


def _year(text: str) -> str:
    """A year as a date text; "" for what is none, and for 0, which catalogs write for nothing."""
    text = text.strip().removesuffix(".0")
    if not re.fullmatch(r"-?\d{1,6}", text) or int(text) == 0:
        return ""
    return f"{-int(text)} BC" if int(text) < 0 else text


def mapping_for(
    columns: Sequence[str], file: Path, *, preset: str = "", own: Path | None = None, name: str = ""
) -> CatalogMapping:
    """The mapping for a catalog: the user's own, the preset asked for, or the first preset whose columns are there.

    Without any it is the generic reading, whose keys begin with the catalog's file name. Raises `PlanError` for an
    unknown preset, for columns that a preset or mapping needs and the catalog lacks, and where nothing is understood.
    """
    stem = name or re.sub(r"(\.(csv|tsv|txt|json|jsonl|ndjson))?(\.gz)?$", "", file.name, flags=re.IGNORECASE)
    if own is not None:
        return _present(_read_own(own, stem), columns, str(own))
    if preset and preset != GENERIC:
        if preset not in PRESETS:
            raise PlanError(f"There is no preset {preset!r}.", remedy=f"use one of {', '.join(PRESETS)}, {GENERIC}")
        return _present(_preset(preset, name), columns, f"The preset {preset}")
    for known, values in PRESETS.items():
        if not preset and set(values["known_by"]) <= set(columns):
            return _present(_preset(known, name), columns, f"The preset {known}")
    return _generic(columns, stem, file)


def _preset(known: str, name: str) -> CatalogMapping:
    values = PRESETS[known]
    groups = {key: tuple(values.get(key, ())) for key in (*JOINS, "passed_over")}
    fields = {key: tuple(columns) for key, columns in values["fields"].items()}
    return CatalogMapping(name=name or known, by=values["by"], fields=fields, **groups)


def _present(mapping: CatalogMapping, columns: Sequence[str], what: str) -> CatalogMapping:
    """The mapping cut down to the columns that are there; raises `PlanError` where none of its fields' are."""
    there = set(columns)
    fields = {key: kept for key, group in mapping.fields.items() if (kept := tuple(c for c in group if c in there))}
    if not fields:
        raise PlanError(f"{what} knows none of the columns {_told(columns)}.", remedy="correct the mapping's columns")
    joins = {key: tuple(c for c in getattr(mapping, key) if c in there) for key in JOINS}
    return CatalogMapping(mapping.name, mapping.by, fields, **joins, passed_over=mapping.passed_over)


def _told(columns: Sequence[str]) -> str:
    """The first columns, each as far as a line of an error can show it."""
    return ", ".join(column[:60] for column in list(columns)[:12])


def _generic(columns: Sequence[str], stem: str, file: Path) -> CatalogMapping:
    """Columns that are called like fields, or by one of their other names."""
    plain = {column: re.sub(r"[\W_]+", "", column.lower()) for column in columns}
    groups = {
        name: tuple(column for other in others for column in columns if plain[column] == other)
        for name, others in SYNONYMS.items()
    }
    fields = {name: group for name, group in groups.items() if name in FIELDS and group}
    if not fields:
        raise PlanError(
            f"No column of {file} is called like a field of works: {_told(columns)}.",
            remedy=f"write a mapping and give --mapping FILE.toml; fields are {', '.join(FIELDS)}",
        )
    joins = {name: groups.get(name, ()) for name in JOINS}
    if not joins["years"] and groups["year_from"]:
        joins["years"] = groups["year_from"][:1] + groups["year_to"][:1]
    return CatalogMapping(stem, file.name, fields, **joins)


def _read_own(path: Path, stem: str) -> CatalogMapping:
    """A mapping in TOML: name, by, id, file, sha256, years, and a table [fields]; columns as a text or a list."""
    values = read_toml(path)
    fields = values.pop("fields", {})
    known = {"name", "by", "passed_over", *JOINS}
    wrong = [key for key in values if key not in known] + [key for key in fields if key not in FIELDS]
    if wrong or not isinstance(fields, dict):
        listed = f"{', '.join(sorted(known))}; in [fields]: {', '.join(FIELDS)}"
        raise PlanError(f"{path}: unknown key {wrong[0] if wrong else 'fields'!r}.", remedy=f"use {listed}")
    groups = {key: _columns(values.get(key, ()), path, key) for key in (*JOINS, "passed_over")}
    return CatalogMapping(
        name=str(values.get("name", stem)),
        by=str(values.get("by", values.get("name", stem))),
        fields={key: _columns(value, path, key) for key, value in fields.items()},
        **groups,
    )


def _columns(value: Any, path: Path, key: str) -> Columns:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise PlanError(f"{path}: {key} = {value!r} names no columns.", remedy='write "COLUMN" or ["FIRST", "SECOND"]')
