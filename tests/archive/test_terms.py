"""Plain forms of values: what is the same to a search, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.archive.terms import LONGEST_WORD, plain, plain_value, words_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Été  À\tL’Estaque", "ete a l'estaque"),
        ("ŁÓDŹ – Ærø", "lodz - aero"),
        ("Straße", "strasse"),
        ("Ёлка Айвазовский", "елка аивазовскии"),
        ("Ω Ὀδυσσεύς", "ω οδυσσευσ"),
        ("睡莲", "睡莲"),
        ("が", "が"),
        ("한국", "한국"),
    ],
)
def test_case_accents_and_signs_do_not_count(text, wanted):
    assert plain(text) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Monet, Claude", "claude monet"),
        ("Claude Monet (French, 1840–1926)", "claude monet"),
        ("Monet, Claude (1840-1926)", "claude monet"),
        ("Circle of Rembrandt", "rembrandt (circle of)"),
        ("After Jacobo Bassano (Italian, c. 1510-1592)", "jacobo bassano (after)"),
        ("possibly after Turner, William", "william turner (possibly after)"),
        ("Rembrandt (circle of)", "rembrandt (circle of)"),
        ("Master of the Life of the Virgin", "master of the life of the virgin"),
        ("Morris, Marshall, Faulkner & Co.", "morris, marshall, faulkner & co."),
        ("(1840)", "(1840)"),
        ("Prince,", "prince"),
    ],
)
def test_names_are_compared_in_speaking_order(name, wanted):
    assert plain_value("artist", name) == wanted
    assert plain_value("title", name) == plain(name)


@given(st.text())
def test_plain_is_plain_again_and_words_come_from_it(text):
    assert plain(plain(text)) == plain(text)
    words = words_of(text)
    assert words == words_of(plain(text)) and len(set(words)) == len(words)
    assert all(0 < len(word) <= LONGEST_WORD for word in words)


def test_scripts_without_spaces_are_cut_into_signs():
    assert words_of("睡莲 Water-lilies, l'été 1906") == ["睡", "莲", "water", "lilies", "l", "ete", "1906"]
