"""A normalized date text cut into tokens: figures by patterns, words by the tables of all languages at once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from vasari.archive.dates import words_de, words_en, words_fr, words_it, words_ru, words_zh
from vasari.archive.dates.normal import normalized
from vasari.archive.dates.periods import PERIODS
from vasari.archive.dates.signs import Sign, Token, Words

TABLES: dict[str, Words] = {
    "en": words_en.WORDS,
    "fr": words_fr.WORDS,
    "de": words_de.WORDS,
    "it": words_it.WORDS,
    "ru": words_ru.WORDS,
    "zh": words_zh.WORDS,
}
LATEST_YEAR = 2100

_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_CENTURY_NEXT = (
    r"(?=\s*(?:sec|s|siecle|век|в|ст|century|cent|c|jh|jahrh|millen|тыс|пол|четв|трет|meta|quarto|-)(?:\W|$|[a-zа-я]))"
)
_LETTER = re.compile(r"[^\W\d_]")


@functools.cache
def _phrases() -> dict[str, tuple[tuple[str, Token], ...]]:
    """First letter -> phrases that begin with it, the longest first."""
    found: dict[str, Token] = {}
    tables = [(language, table, False) for language, table in TABLES.items()]
    tables.append(("zh", words_zh.FOLLOWING, True))
    for language, table, follows in tables:
        for (sign, value), phrases in table.items():
            for phrase in map(normalized, phrases):
                known = found.get(phrase)
                languages = (*known.languages, language) if known else (language,)
                # The first table that knows a word decides; tests hold the tables to one meaning a word.
                token = known or Token(sign, value, phrase, follows=follows)
                found[phrase] = Token(token.sign, token.value, phrase, languages, token.follows)
    for row, period in enumerate(PERIODS):
        for name in map(normalized, period.names):
            found[name] = Token(Sign.PERIOD, row, name, _script(name))
    letters: dict[str, list[tuple[str, Token]]] = {}
    for phrase, token in found.items():
        letters.setdefault(phrase[0], []).append((phrase, token))
    return {letter: tuple(sorted(rows, key=lambda row: -len(row[0]))) for letter, rows in letters.items()}


def _script(name: str) -> tuple[str, ...]:
    if "\u4e00" <= name[0] <= "\u9fff":
        return ("zh",)
    return ("ru",) if "а" <= name[0] <= "я" else ()


Reader = Callable[[re.Match[str]], list[Token]]


def _year(found: re.Match[str]) -> list[Token]:
    text = found.group(1)
    return [Token(Sign.YEAR, int(text), text, digits=len(text))]


def _short(found: re.Match[str]) -> list[Token]:
    return [Token(Sign.NUMBER, int(found.group(1)), found.group(1), digits=len(found.group(1)))]


def _ordinal(found: re.Match[str]) -> list[Token]:
    return [Token(Sign.ORDINAL, int(found.group(1)), found.group(1), digits=len(found.group(1)))]


def _century(found: re.Match[str]) -> list[Token]:
    return [Token(Sign.CENTURY, int(found.group(1)), found.group())]


def _decade(found: re.Match[str]) -> list[Token]:
    value = int(found.group(1))
    if value < 100:
        return [Token(Sign.DECADE_OF, value, found.group(), digits=2)]
    return [Token(Sign.DECADE, value, found.group())]


def _decade_or_century(found: re.Match[str]) -> list[Token]:
    """English "the 1800s" are more often the century than its first ten years: the wider is kept."""
    value = int(found.group(1))
    return [Token(Sign.CENTURY, value // 100 + 1, found.group())] if value % 100 == 0 else _decade(found)


def _cut_century(found: re.Match[str]) -> list[Token]:
    doubt = [Token(Sign.UNCERTAIN, text="?")] if found.group().endswith("?") and "??" not in found.group() else []
    return [Token(Sign.CENTURY, int(found.group(1)) + 1, found.group()), *doubt]


def _cut_decade(found: re.Match[str]) -> list[Token]:
    doubt = [Token(Sign.UNCERTAIN, text="?")] if found.group().endswith("?") else []
    return [Token(Sign.DECADE, int(found.group(1)) * 10, found.group()), *doubt]


def _cut_off(found: re.Match[str]) -> list[Token]:
    """A dash behind a year with nothing after it: the end is open."""
    return [*_year(found), Token(Sign.LATER, text="-")]


def _roman(found: re.Match[str]) -> list[Token]:
    letters = found.group(1).replace("х", "x").replace("і", "i")
    value = roman_value(letters)
    return [Token(Sign.ROMAN, value, letters)] if value else []


def _cycle(found: re.Match[str]) -> list[Token]:
    stem, branch = _STEMS.index(found.group(1)), _BRANCHES.index(found.group(2))
    if (stem - branch) % 2:
        return []
    return [Token(Sign.CYCLE, next(k for k in range(60) if k % 10 == stem and k % 12 == branch), found.group())]


# Tried in this order wherever a token may begin; a pattern that yields nothing passes to the next.
FIGURES: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(\d{4})-\d\d-\d\d(?!\d)(?:t[\d:.+z-]*)?", _year),
        (r"\d{1,2}([./-])\d{1,2}\1(?P<y>\d{4})(?!\d)", lambda found: _whole_year(found.group("y"))),
        (r"(\d{4})([./])\d{1,2}\2\d{1,2}(?!\d)", _year),
        (r"(\d{4})\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?", _year),
        (r"(\d{4})-(?:0[1-9]|1[0-2])(?!\d)(?=$|[\s,;)\]])", lambda found: _month(found)),
        (r"(1\d|20)(?:--|-\s-|\?\?|xx|uu|__)\??", _cut_century),
        (r"(1[4-9]\d|20[0-2])(?:[-_xu]\??(?![\d\w])|\?(?!\d))", _cut_decade),
        (r"(\d{3,4})\s?(?:-)\s?(?=$|[)\]])", _cut_off),
        (r"'?(\d{2,3}0|[1-9]0)\s?'?s\b", _decade_or_century),
        (r"'?(\d{2,3}0|[1-9]0)(?:ern?\b|\s?-?(?:ые|ых|е|х)\b|\s?年代)", _decade),
        (r"c(1\d|2[01])(?:th)?(?![\w.])", _century),
        (r"(1?\d|2[01])\s?(?:st|nd|rd|th)?\s?c\b(?!\s?\d)", _century),
        (r"(\d{1,2})(?:-?(?:го|му|ой|ый|ий|ая|ое|ые|ом|й|я|е|м)(?![а-я])|\s?(?:st|nd|rd|th)(?![a-z]))", _ordinal),
        (r"(\d{1,2})(?:(?:ers?|eres?|res?|e|eme|ieme|nde|de|o|a)(?![a-z])|°|\s?e(?=\s?s))", _ordinal),
        (r"(\d{1,2})\.(?=\s?(?:[^\W\d]|/|-|$))", _ordinal),
        (r"第(\d{1,2})(?=个|個|季|四)", _ordinal),
        (r"([ivxхі]{2,6})(?:-?(?:e|eme|er|o|th|st|nd|rd|го|й|ый|м|ом))?(?![^\W\d_])", _roman),
        (r"([ivxхі])(?:-?(?:e|eme|er|o|го|й|ый|м))?(?![^\W\d_])" + _CENTURY_NEXT, _roman),
        (r"(?<=sec |olo |cle |век )([ivxхі])(?![^\W\d_])", _roman),
        (rf"([{_STEMS}])([{_BRANCHES}])", _cycle),
        (r"(?<!\d)(\d{3,4})(?!\d)", _year),
        (r"(?<!\d)'?(\d{1,2})(?!\d)", _short),
    )
)
_NUMERALS = {"i": 1, "v": 5, "x": 10}
MARKS = {
    "-": Sign.TO, "/": Sign.SLASH, ",": Sign.COMMA, ";": Sign.COMMA, ":": Sign.COMMA, "、": Sign.COMMA,
    "·": Sign.COMMA, "(": Sign.OPEN, "[": Sign.OPEN, "{": Sign.OPEN, "<": Sign.OPEN, ")": Sign.CLOSE, "]": Sign.CLOSE,
    "}": Sign.CLOSE, ">": Sign.CLOSE, "?": Sign.UNCERTAIN, "~": Sign.CIRCA, "%": Sign.CIRCA, "±": Sign.CIRCA,
}  # fmt: skip


def _whole_year(text: str) -> list[Token]:
    return [Token(Sign.YEAR, int(text), text, digits=4)]


def _month(found: re.Match[str]) -> list[Token]:
    """1890-05 is a month, 1890-91 a span; 1905-06 is read as the span, which holds the month's year too."""
    year, month = int(found.group(1)), int(found.group().split("-")[1])
    return [] if month > year % 100 else _year(found)


def roman_value(letters: str) -> int:
    """The number 1..39 of Roman letters i, v, x; 0 where they are none."""
    values = [_NUMERALS[letter] for letter in letters]
    total = sum(-one if one < following else one for one, following in zip(values, [*values[1:], 0]))
    written = "x" * (total // 10) + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[total % 10]
    return total if written == letters else 0


def tokens(text: str) -> list[Token]:
    """Tokens of a normalized text; what no table and no pattern knows becomes a `WORD`."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        new, length = _next(text, place)
        if text[place] == "-" and _joins(text, place, found):
            new = []
        found += new
        place += length
    return found if any(token.sign is Sign.BCE for token in found) else [_bounded(token) for token in found]


def _next(text: str, place: int) -> tuple[list[Token], int]:
    phrase = _phrase(text, place)
    for pattern, reader in FIGURES:
        match = pattern.match(text, place)
        # A longer word wins: "v chr" is no Roman five, "'500" the Cinquecento.
        if match and (phrase is None or len(match.group()) >= len(phrase.text)):
            new = reader(match)
            if new:
                return new, len(match.group())
    if phrase:
        return [phrase], len(phrase.text)
    if text[place] in MARKS:
        return [Token(MARKS[text[place]], text=text[place])], 1
    end = place + 1
    if text[place].isalnum() and not "\u4e00" <= text[place] <= "\u9fff":
        while end < len(text) and text[end].isalnum():
            end += 1
    return [Token(Sign.WORD, text=text[place:end])] if text[place:end].isalnum() else [], end - place


def _bounded(token: Token) -> Token:
    """A year beyond `LATEST_YEAR` is no year, unless it is counted back from Christ."""
    return Token(Sign.WORD, text=token.text) if token.sign is Sign.YEAR and token.value > LATEST_YEAR else token


def _phrase(text: str, place: int) -> Token | None:
    for phrase, token in _phrases().get(text[place], ()):
        if text.startswith(phrase, place) and _ends_word(text, place + len(phrase), phrase[-1]):
            return token
    return None


def _ends_word(text: str, end: int, last: str) -> bool:
    """Whether a phrase may end here: alphabets need a border, Chinese and an apostrophe need none."""
    if end == len(text) or not _LETTER.match(last) or "\u4e00" <= last <= "\u9fff":
        return True
    return not _LETTER.match(text[end]) or "\u4e00" <= text[end] <= "\u9fff"


def _joins(text: str, place: int, found: list[Token]) -> bool:
    """Whether a dash ties a word to the next one ("mid-19th") and is no "to"."""
    tied = place > 0 and text[place - 1] != " "
    return bool(found) and tied and found[-1].sign in (Sign.PART, Sign.CIRCA, Sign.HALF, Sign.TURN, Sign.BEFORE)
