"""Catalogs of every known kind become works; rows join pictures; what a person said stays."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from vasari.archive.ingest.adding import Summary
from vasari.archive.ingest.catalogs.importing import CatalogOptions, Imported, import_catalog
from vasari.archive.ingest.catalogs.presets import PRESETS
from vasari.archive.ingest.person import everything, say
from vasari.archive.query import parsed, work_ids
from vasari.archive.schema import EVENTS, FILES, STATEMENTS, WORKS
from vasari.archive.store import Archive
from vasari.foundation.errors import ArchiveError, PlanError

Add = Callable[..., Summary]
Draw = Callable[..., Path]

#: Preset -> a row as the museum publishes it, and what the work must show.
SAMPLES: dict[str, tuple[dict[str, str], str, dict[str, object]]] = {
    "tate": (
        {"id": "1037", "acno": "A00003", "title": "The Preaching of Warning", "artist_id": "38",
         "artist": "Robert Blake", "dateText": "?c.1785", "year_start": "1785", "year_end": "1785",
         "medium": "Graphite on paper", "classification": "on paper, unique", "acquisitionYear": "1922",
         "width": "343", "height": "467", "creditLine": "Presented by Mrs John Richmond 1922",
         "url": "http://www.tate.org.uk/a00003", "thumbnailUrl": "http://www.tate.org.uk/A00003_8.jpg",
         "movements": ""},
        "tate:A00003",
        {"title": "The Preaching of Warning", "artist": "Robert Blake", "medium": "Graphite on paper"},
    ),
    "moma": (
        {"Title": "Ferdinandsbrücke Project", "Artist": "Otto Wagner", "ConstituentID": "6210",
         "ArtistBio": "(Austrian, 1841–1918)", "Nationality": "(Austrian)", "BeginDate": "(1841)",
         "EndDate": "(1918)", "Gender": "(male)", "Date": "1896", "Medium": "Ink and watercolor on paper",
         "Dimensions": "48.6 x 168.9 cm", "CreditLine": "Gift", "AccessionNumber": "885.1996",
         "Classification": "Architecture", "Department": "Architecture & Design", "DateAcquired": "1996-04-09",
         "Cataloged": "Y", "ObjectID": "2", "URL": "https://www.moma.org/collection/works/2",
         "ImageURL": "https://www.moma.org/media/abc.jpg", "OnView": "", "Height (cm)": "48.6"},
        "moma:2",
        {"title": "Ferdinandsbrücke Project", "artist": "Otto Wagner", "url": "https://www.moma.org/collection/works/2"},
    ),
    "nga": (
        {"objectid": "17", "accessionnum": "1937.1.2", "locationid": "1", "title": "Crown",
         "displaydate": "n.d.", "beginyear": "1280", "endyear": "1290", "visualbrowsertimespan": "before 1300",
         "medium": "tempera on poplar panel", "inscription": "", "attribution": "Byzantine 13th Century",
         "creditline": "Andrew W. Mellon Collection", "classification": "Painting", "subclassification": "Panel"},
        "nga:17",
        {"title": "Crown", "artist": "Byzantine 13th Century", "medium": "tempera on poplar panel"},
    ),
    "met": (
        {"Object Number": "29.100.113", "Is Highlight": "True", "Is Timeline Work": "True", "Is Public Domain": "True",
         "Object ID": "436121", "Gallery Number": "", "Department": "European Paintings", "AccessionYear": "1929",
         "Object Name": "Painting", "Title": "Haystacks", "Period": "", "Artist Display Name": "Claude Monet",
         "Artist Nationality": "French", "Object Date": "1891", "Object Begin Date": "1891", "Object End Date": "1891",
         "Medium": "Oil on canvas", "Credit Line": "Bequest", "City": "", "Country": "France",
         "Classification": "Paintings", "Rights and Reproduction": "", "Link Resource": "http://www.metmuseum.org/436121",
         "Repository": "Metropolitan Museum of Art, New York, NY", "Tags": "Haystacks|Landscapes"},
        "met:436121",
        {"title": "Haystacks", "artist": "Claude Monet", "place": "France"},
    ),
}  # fmt: skip


def table(path: Path, rows: Iterable[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    stream = io.StringIO(newline="")
    rows = list(rows)
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    data = stream.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(archive: Archive, path: Path, **options: Any) -> Imported:
    return import_catalog(archive, path, CatalogOptions(**options))


def keys(archive: Archive) -> list[str]:
    with archive.reading() as connection:
        return list(connection.execute(select(WORKS.c.key).order_by(WORKS.c.id)).scalars())


def test_every_preset_has_a_sample() -> None:
    assert set(SAMPLES) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_museums_table_is_known_by_its_columns(archive: Archive, tmp_path: Path, name: str) -> None:
    row, key, shown = SAMPLES[name]
    done = read(archive, table(tmp_path / "any.csv.gz", [row]))
    assert (done.name, done.by, done.records, done.new, done.failed) == (name, PRESETS[name]["by"], 1, 1, 0)
    work = everything(archive, key)
    assert {field: work[field] for field in shown} == shown
    assert work["date"]["kind"] != "unknown" and work["date"]["first"] is not None
    assert {one["kind"] for one in work["statements"]} == {"catalog"}


def test_years_count_where_words_say_nothing(sqlite_archive: Archive, tmp_path: Path) -> None:
    read(sqlite_archive, table(tmp_path / "nga.csv", [SAMPLES["nga"][0]]))
    date = everything(sqlite_archive, "nga:17")["date"]
    assert (date["text"], date["first"], date["last"]) == ("1280 - 1290", 1280, 1290)


def test_a_second_import_says_nothing_new(archive: Archive, tmp_path: Path) -> None:
    path = table(tmp_path / "met.csv", [SAMPLES["met"][0]])
    read(archive, path)
    with archive.reading() as connection:
        before = connection.execute(select(STATEMENTS)).all()
    assert read(archive, path).new == 0
    with archive.reading() as connection:
        assert connection.execute(select(STATEMENTS)).all() == before
        assert connection.execute(select(EVENTS.c.type)).scalars().all() == ["metadata import"] * 2


def test_what_a_person_said_stays(archive: Archive, tmp_path: Path) -> None:
    row = SAMPLES["tate"][0]
    path = table(tmp_path / "t.csv", [row])
    read(archive, path)
    say(archive, "tate:A00003", ["date=1790", "style=Romanticism"], "Ann")
    table(path, [{**row, "title": "Another title", "dateText": "1801", "medium": ""}])
    read(archive, path)
    work = everything(archive, "tate:A00003")
    assert (work["title"], work["date"]["text"], work["medium"]) == ("Another title", "1790", "")
    assert ("style", "Romanticism", "person") in {(s["field"], s["value"], s["kind"]) for s in work["statements"]}
    assert ("date", "1801", "catalog") in {(s["field"], s["value"], s["kind"]) for s in work["statements"]}
    say(archive, "tate:A00003", ["date="], "Ann")
    assert everything(archive, "tate:A00003")["date"]["text"] == "1801"


@pytest.mark.parametrize("first", ["pictures", "catalog"])
def test_rows_join_pictures_in_whatever_order_they_come(
    archive: Archive, tmp_path: Path, draw: Draw, added: Add, first: str
) -> None:
    one, other = draw("a.jpg", 1), draw("deep/b.jpg", 2)
    rows = [{"id": "1", "file": "a.jpg", "title": "One"}, {"id": "2", "file": "deep/b.jpg", "title": "Two"},
            {"id": "3", "file": "c.jpg", "title": "Three"}]  # fmt: skip
    path = table(tmp_path / "list.csv", rows)
    steps = [lambda: added(archive, one.parent), lambda: read(archive, path)]
    for step in (steps if first == "pictures" else steps[::-1]) + steps:
        step()
    assert sorted(keys(archive)) == ["list:1", "list:2", "list:3"]
    with archive.reading() as connection:
        query = select(FILES.c.path, WORKS.c.key, WORKS.c.title).join(WORKS, WORKS.c.id == FILES.c.work_id)
        found = {path: (key, title) for path, key, title in connection.execute(query)}
    assert found == {str(one): ("list:1", "One"), str(other): ("list:2", "Two")}
    events = everything(archive, str(one))["events"]
    assert "ingestion" in {event["type"] for event in events}


def test_pictures_taken_over_keep_what_was_said(
    sqlite_archive: Archive, tmp_path: Path, draw: Draw, added: Add
) -> None:
    picture = draw("a.jpg", 1)
    added(sqlite_archive, picture)
    say(sqlite_archive, str(picture), ["artist=Me"], "Ann")
    read(sqlite_archive, table(tmp_path / "list.csv", [{"id": "7", "file": "a.jpg", "artist": "You", "date": "1890"}]))
    work = everything(sqlite_archive, "list:7")
    assert (work["artist"], work["date"]["text"], len(work["files"])) == ("Me", "1890", 1)


def test_pictures_are_found_by_hash_stem_path_and_address(
    sqlite_archive: Archive, tmp_path: Path, draw: Draw, added: Add
) -> None:
    paths = [draw(f"{name}.jpg", seed) for seed, name in enumerate(("a", "b", "c"))]
    added(sqlite_archive, paths[0].parent)
    digest = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    read(sqlite_archive, table(tmp_path / "hashes.csv", [{"sha256": digest.upper(), "title": "A"}]))
    rows = [{"image": "b", "title": "B"}, {"image": "https://museum.example/x/c.jpg?size=1", "title": "C"}]
    assert read(sqlite_archive, table(tmp_path / "names.csv", rows)).joined == 2
    for path, title in zip(paths, "ABC"):
        assert everything(sqlite_archive, str(path))["title"] == title


def test_a_name_that_two_pictures_have_is_not_guessed(
    sqlite_archive: Archive, tmp_path: Path, draw: Draw, added: Add
) -> None:
    draw("x/1.jpg", 1)
    folder = draw("y/1.jpg", 2).parents[1]
    added(sqlite_archive, folder)
    rows = [{"file": "1.jpg", "title": "Which?"}, {"file": "y/1.jpg", "title": "This"}]
    done = read(sqlite_archive, table(tmp_path / "list.csv", rows))
    assert (done.failed, done.joined) == (1, 1) and "2 different pictures" in str(done.failures[0].error)


def test_columns_without_meaning_are_named(sqlite_archive: Archive, tmp_path: Path) -> None:
    done = read(sqlite_archive, table(tmp_path / "list.csv", [{"Titel": "Brücke", "Künstler": "Ich", "Regal": "12"}]))
    assert done.unmapped == ["Regal"]
    assert everything(sqlite_archive, keys(sqlite_archive)[0])["title"] == "Brücke"


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(";", "utf-8"), ("\t", "utf-16"), ("|", "cp1252"), (",", "utf-8-sig"), (",", "cp1252")],
)
def test_delimiter_and_encoding_are_found_out(
    sqlite_archive: Archive, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    row = {"id": "1", "title": "Übermalung", "artist": "Café, Noël"}
    read(sqlite_archive, table(tmp_path / "list.csv", [row], delimiter, encoding))
    work = everything(sqlite_archive, "list:1")
    assert (work["title"], work["artist"]) == ("Übermalung", "Café, Noël")


def test_ragged_rows_are_named_by_number_and_the_rest_goes_on(sqlite_archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('id,title\n1,"a\nb"\n2,b,c\n\n3\n4,d\x00\n,\n')
    done = read(sqlite_archive, path)
    assert (done.records, done.failed) == (2, 2)
    words = [str(entry.error) for entry in done.failures]
    assert words[0].startswith("Row 3: 3 values in 2 columns (line 4)") and words[1].startswith("Row 5: 1 values")
    assert keys(sqlite_archive) == ["list:1", "list:4"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"id": 1, "title": "a\x00b", "tags": ["x", "y"], "artist": {"name": "Me \ud800"}}]),
        json.dumps({"id": 1, "title": "a\x00b", "tags": ["x", "y"], "artist": {"name": "Me \ud800"}}) + "\n",
        json.dumps({"data": [{"id": 1, "title": "ab", "tags": ["x", "y"], "artist": {"name": "Me \ud800"}}]}, indent=1),
    ],
)
def test_json_is_read_in_its_common_forms(archive: Archive, tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    read(archive, path)
    work = everything(archive, "list:1")
    assert (work["title"], work["artist"]) == ("ab", "Me \ufffd")
    assert sorted(one["value"] for one in work["statements"] if one["field"] == "tag") == ["x", "y"]


def test_a_mapping_of_ones_own(sqlite_archive: Archive, tmp_path: Path) -> None:
    mapping = tmp_path / "mine.toml"
    mapping.write_text('name = "gallery"\nby = "My gallery"\nid = "Nr"\nyears = ["von", "bis"]\n'
                       '[fields]\ntitle = ["Bezeichnung", "Kurz"]\nstyle = "Stil"\n')  # fmt: skip
    row = {
        "Nr": "12",
        "Bezeichnung": "",
        "Kurz": "Brücke",
        "Stil": "Jugendstil; Art nouveau",
        "von": "1890",
        "bis": "1895",
    }
    read(sqlite_archive, table(tmp_path / "list.csv", [row]), mapping=mapping)
    work = everything(sqlite_archive, "gallery:12")
    assert (work["title"], work["date"]["first"], work["date"]["last"]) == ("Brücke", 1890, 1895)
    assert {one["value"] for one in work["statements"] if one["field"] == "style"} == {"Jugendstil", "Art nouveau"}
    assert {one["by"] for one in work["statements"]} == {"My gallery"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "one,two\n1,2\n", "No column"),
        ("a.csv", "title,title\n1,2\n", "twice"),
        ("a.json", "[1, 2]", "no records"),
        ("a.json", '[{"title": ', "not JSON"),
        ("missing.csv", None, "cannot be read"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00broken", "damaged"),
    ],
)
def test_files_that_make_no_sense_are_refused(
    sqlite_archive: Archive, tmp_path: Path, name: str, text: str | bytes | None, words: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PlanError, match=words):
        read(sqlite_archive, tmp_path / name)
    assert keys(sqlite_archive) == []


MANIFEST = {
    "@context": "http://iiif.io/api/presentation/3/context.json",
    "id": "https://museum.example/iiif/7/manifest.json",
    "type": "Manifest",
    "label": {"de": ["Die Brücke"], "en": ["The Bridge"]},
    "metadata": [
        {"label": {"en": ["Creator"]}, "value": {"none": ["Berthe <b>Morisot</b>"]}},
        {"label": {"en": ["Date"]}, "value": {"none": ["c. 1870"]}},
        {"label": {"en": ["Shelf"]}, "value": {"none": ["12"]}},
    ],
    "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
    "provider": [{"id": "https://museum.example", "type": "Agent", "label": {"en": ["The Museum"]}}],
    "items": [
        {"type": "Canvas", "id": "c1", "items": [{"type": "AnnotationPage", "items": [
            {"type": "Annotation", "motivation": "painting",
             "body": {"id": "https://museum.example/images/bridge.jpg", "type": "Image", "format": "image/jpeg"}}]}]}
    ],
}  # fmt: skip


def test_a_manifest_of_iiif_joins_its_picture(sqlite_archive: Archive, tmp_path: Path, draw: Draw, added: Add) -> None:
    path = tmp_path / "collection.json"
    context = MANIFEST["@context"]
    path.write_text(json.dumps({"@context": context, "id": "x", "type": "Collection", "items": [MANIFEST]}))
    picture = draw("bridge.jpg", 1)
    added(sqlite_archive, picture)
    assert (read(sqlite_archive, path).records, keys(sqlite_archive)) == (1, [f"iiif:{MANIFEST['id']}"])
    work = everything(sqlite_archive, str(picture))
    assert (work["title"], work["artist"], work["date"]["text"], work["collection"]) == (
        "The Bridge", "Berthe Morisot", "c. 1870", "The Museum",
    )  # fmt: skip
    path.write_text(json.dumps({"@context": "http://iiif.io/api/presentation/2/context.json", "@type": "sc:Manifest"}))
    with pytest.raises(PlanError, match="version 3"):
        read(sqlite_archive, path)


def test_a_catalog_before_its_pictures_says_so_and_finds_them_when_added_again(
    sqlite_archive: Archive, draw: Draw, added: Add, tmp_path: Path
) -> None:
    path = table(tmp_path / "list.csv", [{"id": "1", "file": "sun.png", "title": "Sun"}, {"id": "2", "title": "Moon"}])
    first = read(sqlite_archive, path)
    assert (first.records, first.new, first.joined, first.unfound) == (2, 2, 0, 1)
    added(sqlite_archive, draw("sun.png", 1))
    again = read(sqlite_archive, path)
    assert (again.new, again.joined, again.unfound) == (0, 1, 0)
    assert keys(sqlite_archive) == ["list:1", "list:2"]


def test_a_copied_master_is_found_by_the_place_it_was_read_at(archive: Archive, draw: Draw, added: Add) -> None:
    path = draw("sun.png", 1)
    added(archive, path, copy=True)
    assert everything(archive, str(path))["files"][0]["copied"]


def test_columns_of_any_length_are_told_in_a_line(sqlite_archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("x" * 10_000 + ",y\n1,2\n")
    with pytest.raises(PlanError, match="is called like a field") as caught:
        read(sqlite_archive, tmp_path / "long.csv")
    assert len(caught.value.message) < 500 + len(str(tmp_path))


def test_letters_that_are_none_find_nothing_and_can_be_said(archive: Archive, tmp_path: Path) -> None:
    """As Python reads the bytes of a command line that are no UTF-8."""
    read(archive, table(tmp_path / "list.csv", [{"id": "1", "title": "Sun"}]))
    say(archive, "list:1", ["note=\udcff\0here"], "Ann \udcff")
    assert everything(archive, "list:1")["statements"][-1]["by"] == "Ann \ufffd"
    with pytest.raises(ArchiveError, match="no one work"):
        everything(archive, "sun\udcff\0.png")
    with archive.reading() as connection:
        assert work_ids(connection, parsed("title='\udcff\0'")) == []


def test_years_that_are_no_longer_told_are_taken_back(sqlite_archive: Archive, tmp_path: Path) -> None:
    row = {"id": "1", "title": "Sun", "year_from": "1867", "year_to": "1868"}
    read(sqlite_archive, table(tmp_path / "list.csv", [row]))
    assert everything(sqlite_archive, "list:1")["date"]["text"] == "1867 - 1868"
    read(sqlite_archive, table(tmp_path / "list.csv", [{**row, "year_from": "", "year_to": ""}]))
    work = everything(sqlite_archive, "list:1")
    assert (work["title"], work["date"]["text"]) == ("Sun", "")
