"""IIIF Presentation 3 manifests and collections as records: what a manifest says of its object, and its pictures.

Source: IIIF Presentation API 3.0 (https://iiif.io/api/presentation/3.0/), sections 3 and 5.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vasari.archive.ingest.catalogs.mapping import CatalogMapping
from vasari.archive.ingest.catalogs.presets import SYNONYMS
from vasari.archive.ingest.catalogs.tables import Row
from vasari.archive.statements import FIELDS
from vasari.foundation.errors import PlanError

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
OLD_CONTEXT = "http://iiif.io/api/presentation/2/context.json"
LARGEST_BYTES = 64 << 20
#: In what order languages are taken; after them the first that is there.
LANGUAGES = ("en", "none", "@none")
DEEPEST = 8
NAME = "iiif"
#: Columns of the pictures of a manifest's canvases; of more the first count.
PICTURES = tuple(f"picture {number}" for number in range(1, 501))


def is_iiif(path: Path) -> bool:
    """True for a JSON file that says in its beginning that it is of IIIF's Presentation API."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(path) as packed:
                start = packed.read(1 << 16)
    except (OSError, EOFError):
        return False
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b"iiif.io/api/presentation/" in start


def read_iiif(path: Path) -> tuple[CatalogMapping, Iterator[Row]]:
    """The records of a manifest's or a collection's file; raises `PlanError` for what is neither."""
    data = read_start(path)
    if data.startswith(b"\x1f\x8b"):
        with gzip.open(path) as packed:
            data = packed.read(LARGEST_BYTES + 1)
    return mapping_of(str(path)), records(parsed(data, str(path)))


def read_start(path: Path) -> bytes:
    """A file's bytes as far as `parsed` takes them, and one more."""
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def mapping_of(by: str) -> CatalogMapping:
    """How such records are read: their columns are called like the fields."""
    fields = {name: (name,) for name in FIELDS}
    return CatalogMapping(NAME, by, fields, id=("id",), file=PICTURES)


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """A manifest or collection of version 3; raises `PlanError` for anything else."""
    try:
        if len(data) > LARGEST_BYTES:
            raise ValueError(f"larger than {LARGEST_BYTES >> 20} MiB")
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{where} is no IIIF manifest: {error}.", remedy="fetch it again") from None
    context = value.get("@context") if isinstance(value, dict) else None
    contexts = context if isinstance(context, list) else [context]
    if OLD_CONTEXT in contexts:
        raise PlanError(
            f"{where} is of IIIF's Presentation API 2; Vasari reads version 3.",
            remedy="ask for version 3, or convert it, for example with iiif-prezi-upgrader",
        )
    if CONTEXT not in contexts or value.get("type") not in ("Manifest", "Collection"):
        raise PlanError(
            f"{where} is no manifest or collection of IIIF's Presentation API 3.", remedy="name a manifest.json"
        )
    return value


def records(value: Mapping[str, Any]) -> Iterator[Row]:
    """A row a manifest; of a collection those that it holds in full (references are in `references`)."""
    for number, manifest in enumerate(manifests(value), start=1):
        yield Row(number, record(manifest))


def manifests(value: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The manifests in a document; those that a collection only refers to have no `items`."""
    if value.get("type") == "Manifest":
        yield value
    elif value.get("type") == "Collection" and depth < DEEPEST:
        for item in _list(value.get("items")):
            if isinstance(item, dict):
                yield from manifests(item, depth + 1)


def record(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a manifest says: label, metadata by their labels, rights, provider, homepage, pictures."""
    told: dict[str, list[str]] = {"id": [str(manifest.get("id", ""))], "title": texts(manifest.get("label"))[:1]}
    for pair in _list(manifest.get("metadata")):
        if isinstance(pair, dict):
            name = _field(texts(pair.get("label")))
            if name:
                told.setdefault(name, []).extend(_plain(text) for text in texts(pair.get("value")))
    if isinstance(manifest.get("rights"), str):
        told.setdefault("rights", []).append(manifest["rights"])
    for page in _list(manifest.get("homepage")):
        if isinstance(page, dict) and isinstance(page.get("id"), str):
            told.setdefault("url", []).append(page["id"])
    for provider in _list(manifest.get("provider")):
        if isinstance(provider, dict):
            told.setdefault("collection", []).extend(texts(provider.get("label"))[:1])
    told.setdefault("note", []).extend(_plain(text) for text in texts(manifest.get("summary"))[:1])
    told |= {column: [address] for column, address in zip(PICTURES, pictures(manifest))}
    many = {name for name, field in FIELDS.items() if field.many}
    return {name: ("|" if name in many else "; ").join(filter(None, values)) for name, values in told.items()}


def pictures(manifest: Mapping[str, Any]) -> list[str]:
    """The addresses of the pictures painted on a manifest's canvases, at their full size, in order."""
    found: list[str] = []
    for canvas in _list(manifest.get("items")):
        for page in _list(_get(canvas, "items")):
            for annotation in _list(_get(page, "items")):
                if _get(annotation, "motivation") != "painting":
                    continue
                bodies = _list(_get(annotation, "body"))
                found += [address for body in bodies if (address := _address(body))]
    return list(dict.fromkeys(found))


def _address(body: Any) -> str:
    """The address of a picture; of a choice the first."""
    if _get(body, "type") == "Choice":
        items = _list(_get(body, "items"))
        return _address(items[0]) if items else ""
    address = _get(body, "id")
    return address if _get(body, "type") == "Image" and isinstance(address, str) else ""


def texts(value: Any) -> list[str]:
    """The texts of a language map {"en": ["..."]}, of the language that is read best; of a plain text itself."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    language = next((one for one in LANGUAGES if value.get(one)), next(iter(value), ""))
    return [text for text in _list(value.get(language)) if isinstance(text, str)]


def _field(labels: list[str]) -> str:
    """The field that a label means; "" for none."""
    plain = [re.sub(r"[\W_]+", "", label.lower()) for label in labels]
    names = (name for name, others in SYNONYMS.items() if name in FIELDS and any(one in others for one in plain))
    return next(names, "")


def _plain(text: str) -> str:
    """A text without the HTML that the API allows in it."""
    return re.sub(r"<[^>]*>", "", text).strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
