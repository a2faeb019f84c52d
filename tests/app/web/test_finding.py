"""What works are called by the files that they came from."""

import pytest

from vasari.app.web.finding import file_name


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("/scans/1890/ärm.tif", "ärm.tif"),
        ("scans/what?.jpg", "what?.jpg"),
        ("https://museum.example/a/Mus%C3%A9e.jpg", "Musée.jpg"),
        ("https://museum.example/a.jpg?sig=SECRET#top", "a.jpg"),
    ],
)
def test_a_file_is_named_without_what_its_address_asks_for(origin: str, name: str) -> None:
    assert file_name(origin) == name
