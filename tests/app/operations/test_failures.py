"""What a job tells of failures: names of files, and never where on the server they lie."""

from vasari.app.operations.failures import told


def test_a_file_is_told_by_its_name() -> None:
    lies_at = "/srv/art/workbench/uploads/ab12/pal.gif"
    failure = {
        "source": lies_at,
        "error": f"{lies_at} is in none of the formats.",
        "remedy": f"convert {lies_at}",
        "page": 0,
    }
    assert told(failure) == {
        "source": "pal.gif", "error": "pal.gif is in none of the formats.", "remedy": "convert pal.gif", "page": 0,
    }  # fmt: skip
    assert told({"path": lies_at, "error": f"{lies_at}: cut"}) == {"path": "pal.gif", "error": "pal.gif: cut"}


def test_an_address_stays_less_what_it_asks_for() -> None:
    failure = told({"source": "https://a.example/x.jpg?key=SECRET", "error": "https://a.example/x.jpg?key=SECRET: 404"})
    assert failure == {"source": "https://a.example/x.jpg", "error": "https://a.example/x.jpg: 404"}


def test_what_names_no_file_is_told_as_it_is() -> None:
    assert told({"error": "The disk is full."}) == {"error": "The disk is full."}
