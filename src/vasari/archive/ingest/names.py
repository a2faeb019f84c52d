"""What the names of files and folders say, by a pattern: "{artist}/{date} - {title}"."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from vasari.archive.ingest.walk import Found
from vasari.archive.statements import FIELDS, Claim
from vasari.foundation.errors import PlanError

_FIELD = re.compile(r"\{([a-z_]*)\}")
#: What a name stands for that tells nothing: `{_}`.
PASSED_OVER = "_"


@dataclass(frozen=True)
class NamePattern:
    """A pattern of the last parts of a path, without the ending of the file."""

    parts: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, text: str) -> NamePattern:
        """A pattern with fields in braces, folders divided by "/"; `{_}` is passed over; raises `PlanError`."""
        names = _FIELD.findall(text)
        unknown = [name for name in names if name not in FIELDS and name != PASSED_OVER]
        if not names or unknown or len({*names} - {PASSED_OVER}) < len([one for one in names if one != PASSED_OVER]):
            raise PlanError(
                f"names={text!r} is no pattern of names.",
                remedy=f'write for example "{{artist}}/{{date}} - {{title}}", each field once, of {", ".join(FIELDS)}',
            )
        return cls(tuple(re.compile(_expression(part)) for part in text.strip("/").split("/")))

    def claims(self, found: Found) -> tuple[Claim, ...]:
        """What a file's name says; nothing where the pattern does not fit. Underscores count as blanks."""
        stem = os.path.splitext(found.origin)[0].split("/")  # noqa: PTH122
        parts = stem[-len(self.parts) :]
        if len(parts) < len(self.parts):
            return ()
        told: dict[str, str] = {}
        for pattern, part in zip(self.parts, parts):
            match = pattern.fullmatch(part.replace("_", " ").strip())
            if match is None:
                return ()
            told |= match.groupdict()
        return tuple(Claim(name, value.strip()) for name, value in told.items() if value.strip())


def _expression(part: str) -> str:
    """A regular expression for one part; the text between fields stands for itself, blanks for any number of them."""
    expression, at = "", 0
    for match in _FIELD.finditer(part):
        expression += _literal(part[at : match.start()])
        expression += ".+?" if match.group(1) == PASSED_OVER else f"(?P<{match.group(1)}>.+?)"
        at = match.end()
    return expression + _literal(part[at:])


def _literal(text: str) -> str:
    return r"\s+".join(re.escape(word) for word in re.split(r"[\s_]+", text))
