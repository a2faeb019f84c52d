"""The workbench's texts in each language: English is written in the templates, Chinese lies in `locales/zh`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.app.settings import LANGUAGES

FOLDER = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Texts:
    """Language -> English text -> text in that language."""

    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Texts:
        """All tables of `folder`: LANGUAGE/NAME.json each."""
        tables: dict[str, dict[str, str]] = {}
        for path in sorted(folder.glob("*/*.json")):
            table = json.loads(path.read_text(encoding="utf-8"))
            tables.setdefault(path.parent.name, {}).update(table)
        return cls(tables)

    def say(self, language: str, text: str, /, **values: Any) -> str:
        """A text in a language, with `{name}` filled in; English where it has no translation."""
        words = self.tables.get(language, {}).get(text, text)
        return words.format(**values) if values else words


def language_of(accepted: str, chosen: str, otherwise: str) -> str:
    """The language of a visitor: the one chosen, else the first of an Accept-Language header that we have."""
    if chosen in LANGUAGES:
        return chosen
    ranked = []
    for place, part in enumerate(accepted[:200].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        ranked.append((-_number(quality), place, tag.lower().partition("-")[0]))
    known = (tag for quality, _, tag in sorted(ranked) if tag in LANGUAGES and quality < 0)
    return next(known, otherwise)


def _number(quality: str) -> float:
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0
