"""Figures and unit words joined into dates: "2." + "Hälfte", "XIX" + "век", 乾隆 + 20 + 年."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vasari.archive.dates.periods import PERIODS
from vasari.archive.dates.signs import CORES, EARLY, LINKS, MIDDLE, Sign, Token

LAST_PART = 9  # "the last" of n parts, see `Sign.FRACTION`
UNSAID_CENTURY = 1900  # "the thirties" without a century
_COUNTS = (Sign.NUMBER, Sign.ORDINAL, Sign.ROMAN)
_CENTURY_WORDS = (Sign.CENTURY_WORD, Sign.WEAK_CENTURY)
_PART_SIZES = {Sign.HALF: 2, Sign.WEAK_HALF: 2, Sign.QUARTER: 4, Sign.THIRD: 3, Sign.DECADE_WORD: 10}
# What may stand between a bare figure and the century that it shares: "late 15th–early 16th century".
_BETWEEN = (*LINKS, Sign.PART, Sign.FRACTION, Sign.CIRCA, Sign.UNCERTAIN, Sign.BETWEEN, Sign.TURN)

Tokens = list[Token]


def joined(tokens: Tokens) -> Tokens:
    """The tokens with every unit joined; what remains are cores, modifiers, links, events and marks."""
    for step in STEPS:
        tokens = step(tokens)
    return tokens


def _at(tokens: Tokens, place: int) -> Sign | None:
    return tokens[place].sign if 0 <= place < len(tokens) else None


def _merge(*parts: Token, sign: Sign, value: int) -> Token:
    languages = tuple(one for part in parts for one in part.languages)
    return Token(sign, value, " ".join(part.text for part in parts), languages, any(part.follows for part in parts))


def _without_days(tokens: Tokens) -> Tokens:
    """Months go, and so do the days beside them ("3-5 May 1890")."""
    gone: set[int] = set()
    for place, token in enumerate(tokens):
        if token.sign is Sign.MONTH:
            gone.add(place)
            for step in (-1, 1):
                near = place + step
                while _is_day(tokens, near) or (_at(tokens, near) in LINKS and _is_day(tokens, near + step)):
                    gone.add(near)
                    near += step
    return [token for place, token in enumerate(tokens) if place not in gone]


def _is_day(tokens: Tokens, place: int) -> bool:
    figure = _at(tokens, place) in (Sign.NUMBER, Sign.ORDINAL)
    return figure and _at(tokens, place + 1) not in (*_CENTURY_WORDS, *_PART_SIZES)


def _without_fillers(tokens: Tokens) -> Tokens:
    """Fillers and words that were not understood go; "by" before such a word names a person and no date."""
    return [
        token
        for place, token in enumerate(tokens)
        if token.sign not in (Sign.FILLER, Sign.WORD)
        and not (token.text == "by" and _at(tokens, place + 1) is Sign.WORD)
    ]


def _chinese_before(tokens: Tokens) -> Tokens:
    """ "1900前" is before 1900, "前300" is 300 BC."""
    return [
        replace(token, sign=Sign.BEFORE, follows=True)
        if token.text == "前" and _at(tokens, place - 1) in (Sign.YEAR, Sign.YEAR_WORD)
        else token
        for place, token in enumerate(tokens)
    ]


def _reign_years(tokens: Tokens) -> Tokens:
    """乾隆20年 is 1755, 光绪庚子 is 1900."""
    result: Tokens = []
    for place, token in enumerate(tokens):
        era = result[-1] if result else None
        if era and era.sign is Sign.PERIOD and PERIODS[era.value].reign:
            first, last = PERIODS[era.value].first, PERIODS[era.value].last
            year = None
            if token.sign is Sign.NUMBER and _at(tokens, place + 1) in (Sign.YEAR_WORD, None):
                year = first + token.value - 1
            elif token.sign is Sign.CYCLE:  # 1984 began a cycle of sixty
                years = [one for one in range(first, last + 1) if (one - 1984) % 60 == token.value]
                year = years[0] if len(years) == 1 else None
            if year is not None and first <= year <= last:
                result[-1] = _merge(era, token, sign=Sign.YEAR, value=year)
                continue
        result.append(token)
    return [token for token in result if token.sign not in (Sign.CYCLE, Sign.YEAR_WORD)]


def _centuries(tokens: Tokens) -> Tokens:
    result: Tokens = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.sign in _COUNTS and token.value <= 39 and after and _is_century_word(after, tokens, place + 1):
            result.append(_merge(token, after, sign=Sign.CENTURY, value=token.value))
            place += 2
        elif token.sign in _COUNTS and after and after.sign is Sign.MILLENNIUM_WORD:
            result.append(_merge(token, after, sign=Sign.MILLENNIUM, value=token.value))
            place += 2
        elif token.sign in _CENTURY_WORDS and after and _fits_century(token, after):
            result.append(_merge(token, after, sign=Sign.CENTURY, value=after.value))
            place += 2
        else:
            result.append(token)
            place += 1
    return [token for token in result if token.sign is not Sign.WEAK_CENTURY]


def _is_century_word(token: Token, tokens: Tokens, place: int) -> bool:
    """`c` behind an ordinal is a century, unless a year follows it."""
    if token.sign in _CENTURY_WORDS:
        return True
    before = tokens[place - 1].sign
    return token.text == "c" and before is not Sign.NUMBER and _at(tokens, place + 1) is not Sign.YEAR


def _fits_century(word: Token, count: Token) -> bool:
    """Whether "sec. XV", "siècle 19" is a century; a weak word needs a Roman figure."""
    if word.sign is Sign.WEAK_CENTURY:
        return count.sign is Sign.ROMAN
    return count.sign in _COUNTS and 1 <= count.value <= 21


def _fractions(tokens: Tokens) -> Tokens:
    """Ordinal and part: "second half", "letztes Drittel", "3e décennie"; a half alone is the middle."""
    result: Tokens = []
    for place, token in enumerate(tokens):
        before = result[-1] if result else None
        counted = before is not None and before.sign in (*_COUNTS, Sign.LAST)
        size = _PART_SIZES.get(token.sign, 0)
        if token.sign is Sign.ORDINAL and token.value == 3 and counted and _at(tokens, place + 1) not in _PART_SIZES:
            size = 3 if not _shares_century(tokens, place) else 0  # "the last third of ..."
        if token.sign is Sign.QUARTER and _at(tokens, place + 1) is Sign.DECADE_WORD:
            result.append(replace(token, sign=Sign.ORDINAL, value=4))  # Italian "quarto decennio"
        elif size and counted and before is not None:
            which = LAST_PART if before.sign is Sign.LAST else before.value
            if before.sign is Sign.LAST and size == 10:
                which, size = 10, 10
            result[-1] = _merge(before, token, sign=Sign.FRACTION, value=10 * which + size % 10)
        elif token.sign is Sign.HALF:
            result.append(replace(token, sign=Sign.PART, value=MIDDLE))
        elif token.sign not in _PART_SIZES:
            result.append(token)
    return _shared_fractions(result)


def _shares_century(tokens: Tokens, place: int) -> bool:
    """Whether the figure at `place` is itself a century's: "second (or) third century"."""
    return _at(tokens, place + 1) in (*_CENTURY_WORDS, Sign.MILLENNIUM_WORD, *LINKS)


def _shared_fractions(tokens: Tokens) -> Tokens:
    """ "2nd or 3rd quarter": the first figure borrows the unit of the second."""
    result = list(tokens)
    for place in range(len(tokens) - 2):
        first, link, last = tokens[place : place + 3]
        if first.sign in _COUNTS and link.sign in LINKS and last.sign is Sign.FRACTION:
            result[place] = replace(first, sign=Sign.FRACTION, value=10 * first.value + last.value % 10)
    return [token for token in result if token.sign is not Sign.LAST]


def _decades(tokens: Tokens) -> Tokens:
    """ "années 1820-1830", "anni '30 del Cinquecento", "1920–30s", "30-е годы XIX века"."""
    result: Tokens = []
    prefixed = False
    for token in tokens:
        prefixed = token.sign is Sign.DECADE_PREFIX or (
            prefixed and token.sign in (*LINKS, Sign.YEAR, Sign.NUMBER, Sign.DECADE_OF)
        )
        if prefixed and token.sign in (Sign.YEAR, Sign.NUMBER) and token.value % 10 == 0:
            token = replace(token, sign=Sign.DECADE if token.sign is Sign.YEAR else Sign.DECADE_OF)
        if token.sign is not Sign.DECADE_PREFIX:
            result.append(token)
    used: set[int] = set()
    placed = list(result)
    for place, token in enumerate(result):
        if token.sign is Sign.DECADE_OF:
            beside, first = _century_of_decade(result, place)
            used |= beside
            placed[place] = replace(token, sign=Sign.DECADE, value=first + token.value)
            begins = place >= 2 and result[place - 1].sign in LINKS and result[place - 2].sign is Sign.YEAR
            if begins and result[place - 2].value % 10 == 0:  # "1920–30s": both are decades
                placed[place - 2] = replace(result[place - 2], sign=Sign.DECADE)
    return [token for place, token in enumerate(placed) if place not in used]


def _century_of_decade(tokens: Tokens, place: int) -> tuple[set[int], int]:
    """The first year of the century that "the thirties" are of, and the place of the word that told it."""
    if _at(tokens, place - 1) is Sign.CENTURY:
        return {place - 1}, (tokens[place - 1].value - 1) * 100
    for near in range(place + 1, len(tokens)):
        if tokens[near].sign is Sign.CENTURY:
            return {near}, (tokens[near].value - 1) * 100
        if tokens[near].sign not in (*_BETWEEN, Sign.DECADE_OF):
            break
    earlier = [token for token in tokens[:place] if token.sign in (Sign.DECADE, Sign.YEAR)]
    return set(), earlier[-1].value // 100 * 100 if earlier else UNSAID_CENTURY


def _borrowed_centuries(tokens: Tokens) -> Tokens:
    """ "XVI-XVII sec.", "15./16. Jh.", "sec. XV-XVI": a bare figure takes the unit of its neighbor."""
    result = list(tokens)
    for place, token in enumerate(tokens):
        if token.sign not in _COUNTS or not 1 <= token.value <= 21:
            continue
        if token.value <= 2 and _at(tokens, place + 1) is Sign.CENTURY:  # "primo Novecento", "secondo Ottocento"
            early = (Sign.PART, EARLY) if token.value == 1 else (Sign.FRACTION, 22)
            result[place] = replace(token, sign=early[0], value=early[1])
            continue
        ahead = _through(tokens, place, 1)
        behind = _through(result, place, -1)
        reach = ahead if ahead is not None and tokens[ahead].sign is Sign.CENTURY else None
        if reach is None and token.sign is not Sign.NUMBER and behind is not None:
            reach = behind if result[behind].sign is Sign.CENTURY else None
        if reach is not None:
            result[place] = replace(token, sign=Sign.CENTURY)
    return _bare_romans(result)


def _through(tokens: Tokens, place: int, step: int) -> int | None:
    """The next place in a direction that holds neither a link, a modifier nor another bare figure."""
    place += step
    while 0 <= place < len(tokens) and tokens[place].sign in (*_BETWEEN, Sign.ORDINAL, Sign.ROMAN, Sign.NUMBER):
        place += step
    return place if 0 <= place < len(tokens) else None


def _bare_romans(tokens: Tokens) -> Tokens:
    """ "XVII" alone is a century."""
    if any(token.sign in CORES and token.sign is not Sign.CENTURY for token in tokens):
        return [token for token in tokens if token.sign not in (Sign.ROMAN, Sign.ORDINAL)]
    centuries = [
        replace(token, sign=Sign.CENTURY)
        if (token.sign is Sign.ROMAN and 4 <= token.value <= 21)
        or (token.sign is Sign.ORDINAL and 10 <= token.value <= 21)
        else token
        for token in tokens
    ]
    return [token for token in centuries if token.sign not in (Sign.ROMAN, Sign.ORDINAL)]


def _short_years(tokens: Tokens) -> Tokens:
    """ "1750-60", "1905/6", "1765 or 69": a short figure is completed by the year before; "AD 79" is a year."""
    result: Tokens = []
    for place, token in enumerate(tokens):
        if token.sign is Sign.NUMBER:
            era = _era_beside(tokens, place)
            year = _year_before(result)
            if year is not None and token.digits < year.digits and era is not Sign.BCE:
                result.append(replace(token, sign=Sign.YEAR, value=_completed(year.value, token), digits=year.digits))
            elif era:
                result.append(replace(token, sign=Sign.YEAR))
            continue  # any other short figure says nothing
        result.append(token)
    return [token for token in result if token.sign not in (*_CENTURY_WORDS, Sign.MILLENNIUM_WORD)]


def _era_beside(tokens: Tokens, place: int) -> Sign | None:
    eras = (Sign.BCE, Sign.CE)
    before = _at(tokens, place - 1)
    while _at(tokens, place + 1) in (*LINKS, Sign.NUMBER, Sign.YEAR):
        place += 1
    after = _at(tokens, place + 1)
    return after if after in eras else before if before in eras else None


def _year_before(tokens: Tokens) -> Token | None:
    """The year that a link or comma, with or without a modifier, ties to what comes next."""
    place = len(tokens) - 1
    linked = False
    while place >= 0 and tokens[place].sign in (*LINKS, Sign.COMMA, Sign.CIRCA, Sign.UNCERTAIN):
        linked = linked or tokens[place].sign in (*LINKS, Sign.COMMA)
        place -= 1
    return tokens[place] if place >= 0 and linked and tokens[place].sign is Sign.YEAR else None


def _completed(year: int, short: Token) -> int:
    """1898 and 02 give 1902."""
    scale = 10**short.digits
    candidate = year // scale * scale + short.value
    return candidate if candidate >= year else candidate + scale


STEPS: tuple[Callable[[Tokens], Tokens], ...] = (
    _without_fillers,
    _without_days,
    _chinese_before,
    _reign_years,
    _centuries,
    _fractions,
    _decades,
    _borrowed_centuries,
    _short_years,
)
