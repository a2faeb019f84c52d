"""Date texts brought to one form before they are read: case, accents, dashes, Chinese figures."""

from __future__ import annotations

import re
import unicodedata

_DASHES = re.compile("[\u2010-\u2015\u2212\u301c\uff5e\ufe58\ufe63\uff0d\u2e3a]")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u0060\u00b4\u2032]")
# A dot is kept behind an ordinal ("19. Jh.") and between the figures of a day; elsewhere it only abbreviates.
_DOT = re.compile(r"(?<!\d)\.|(?<=\d{3})\.(?!\d)")
_CHINESE_FIGURES = "〇零○一二三四五六七八九十百廿卅"
_CHINESE_NUMBER = re.compile(
    rf"(?:(?<=第)[一二三四](?=四分|个|個|季))|[{_CHINESE_FIGURES}]+(?=[至到和与與及、\-~]?[{_CHINESE_FIGURES}]*"
    r"(?:世纪|世紀|年|月|日|季|个25|個25))"
)
_DIGITS = {figure: value for value, figure in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}


def normalized(text: str) -> str:
    """Lower case, no Latin accents, plain dashes and apostrophes, Chinese figures as digits, single spaces."""
    # The tilde of a span is told from that of "about" by the figures around it.
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text).replace("\uff5e", "-")).lower()
    text = re.sub(r"(?<=[\d年世纪紀])\s*[~—]\s*(?=\d|前|公元)", "-", text)
    text = _without_accents(_APOSTROPHES.sub("'", text)).replace("ё", "е").replace("\\", "").replace("&", " and ")
    text = re.sub(r"(?<=\d)\[(\d{1,2})\]|\[(\d{1,2})\](?=\d)", r"\1\2", text)  # "18[90]": supplied figures
    text = text.replace("元年", "1年")
    text = _CHINESE_NUMBER.sub(lambda found: str(_chinese_number(found.group())), text)
    text = re.sub(r"^(?:\.\.)?/(?=\d)", " not after ", text)  # the open ends of EDTF
    text = re.sub(r"/(?:\.\.)?$", " or later", text)
    text = re.sub(r"(?<=\d\d)\.\.(?!\.)(?=\W|$)", "--", text)  # "18..", a century whose years are not known
    return re.sub(r"\s+", " ", _DOT.sub(" ", text)).strip()


def _without_accents(text: str) -> str:
    """Latin letters bare; Cyrillic й keeps its breve."""
    kept: list[str] = []
    for letter in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(letter) and kept and "a" <= kept[-1] <= "z":
            continue
        kept.append(letter)
    return unicodedata.normalize("NFKC", "".join(kept)).replace("ß", "ss")


def _chinese_number(figures: str) -> int:
    """十九 -> 19, 二十 -> 20, 一八九〇 -> 1890."""
    figures = figures.replace("廿", "二十").replace("卅", "三十")
    if "十" not in figures and "百" not in figures:
        return int("".join(str(_DIGITS[figure]) for figure in figures))
    total, digit = 0, 0
    for figure in figures:
        if figure in "十百":
            total += (digit or 1) * (10 if figure == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[figure]
    return total + digit
