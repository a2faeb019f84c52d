"""The workbench's texts in each language: English is written in the templates, Chinese lies in `locales/zh`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from vasari.app.settings import LANGUAGES

FOLDER = Path(__file__).parent / "locales"
#: What failures say, which differs from one to the next: their sentences have places for that, in braces. Also in
#: English: remedies that name a command say on a page what can be done there.
FAILURES = "failures.json"
NUMBER = r"\d(?:[\d.,]*\d)?"


@dataclass(frozen=True)
class Texts:
    """Language -> English text -> text in that language; and sentences of failures, with places for what differs."""

    tables: Mapping[str, Mapping[str, str]]
    sentences: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Texts:
        """All tables of `folder`: LANGUAGE/NAME.json each. Those of `FAILURES` are sentences too."""
        tables: dict[str, dict[str, str]] = {}
        sentences = {}
        for path in sorted(folder.glob("*/*.json")):
            table = json.loads(path.read_text(encoding="utf-8"))
            tables.setdefault(path.parent.name, {}).update(table)
            if path.name == FAILURES:
                sentences[path.parent.name] = tuple((_sentence(text), words) for text, words in table.items())
        return cls(tables, sentences)

    def say(self, language: str, text: str, /, **values: Any) -> str:
        """A text in a language, with `{name}` filled in; English where it has no translation."""
        words = self.tables.get(language, {}).get(text, text)
        return words.format(**values) if values else words

    def told(self, language: str, text: str) -> str:
        """What a failure says, in a language: as it is where no sentence fits. A second line, as of a query, stays."""
        first, *rest = text.split("\n")
        words = self.tables.get(language, {}).get(first)
        return "\n".join([self._in_words(language, first) if words is None else words, *rest])

    def _in_words(self, language: str, text: str) -> str:
        """A sentence of failures in a language, and so what stands in its places, as "2 faces"; else as it is."""
        for sentence, translated in self.sentences.get(language, ()):
            if found := sentence.fullmatch(text):
                return translated.format(
                    **{name: self._in_words(language, words) for name, words in found.groupdict().items()}
                )
        return text


def _sentence(text: str) -> re.Pattern[str]:
    """A sentence with places in braces, as a pattern; {n} is a number, so that a file "old faces" is no count."""
    parts = re.split(r"\{(\w+)\}", text)
    places = [f"(?P<{part}>{NUMBER if part == 'n' else '.*'})" for part in parts[1::2]]
    between = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(one + other for one, other in zip_longest(between, places, fillvalue="")))


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
