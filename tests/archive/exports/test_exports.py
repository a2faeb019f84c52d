"""Exports hold to their formats, say what the archive says, are whole or not there, and ours come back."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from vasari.archive.exports.linked import CONTEXT
from vasari.archive.exports.returning import take_back
from vasari.archive.exports.table import COLUMNS, joined, parted
from vasari.archive.exports.writing import FORMATS, ExportPlan, export
from vasari.archive.schema import ARTISTS, EVENTS, FILES, STATEMENTS, WORKS
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import ArchiveError, PlanError


def _rows(archive: Archive, query) -> list[tuple]:
    with archive.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(query)), key=str)


SHOWN = select(*(column for column in WORKS.columns if column.name not in ("id", "artist_id", "added")), ARTISTS.c.name)
SHOWN = SHOWN.outerjoin(ARTISTS, ARTISTS.c.id == WORKS.c.artist_id)
SAID = select(
    WORKS.c.key, *(column for column in STATEMENTS.columns if column.name not in ("work_id", "at"))
).join(WORKS, WORKS.c.id == STATEMENTS.c.work_id)  # fmt: skip


def _others(connection_archive: Archive) -> None:
    """Works with words that are hard to write down, one of them derived."""
    with connection_archive.writing() as writer:
        ids = works_of(writer, ["a|b\\c", 'quo"te, and\nline', "=1+1", "🎨/?#"])
        ids |= works_of(writer, ["made by us"], derived=True)
        for id in ids.values():
            claims = [
                Claim("tag", "one|two"),
                Claim("tag", "back\\slash"),
                Claim("note", "line\r\nline"),
                Claim("url", ""),
            ]
            state(writer, {id: claims}, Speaker("person", "me, myself"))


@pytest.mark.parametrize("wanted", ["", "artist='Monet'"])
def test_csv(archive: Archive, tmp_path: Path, fill, wanted: str) -> None:
    fill(archive)
    _others(archive)
    done = export(archive, tmp_path / "works.csv", "csv", ExportPlan(wanted))
    with (tmp_path / "works.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and len(rows) == done.count
    assert len(rows) == (4 if wanted else 17)
    by_key = {row["key"]: row for row in rows}
    if wanted:
        assert {row["artist"] for row in rows} == {"Monet, Claude"}
        return
    mine = by_key["work-0000"]
    assert (mine["title"], mine["date"], mine["date_edtf"]) == ("What I call it", "1855 BC", "-1854")
    assert (mine["date_first"], mine["date_last"]) == ("-1854", "-1854")
    assert mine["style"] == "" and by_key["work-0001"]["style"] == "", "what a model says is no fact"
    assert parted(by_key["a|b\\c"]["tag"]) == ["back\\slash", "one|two"]
    assert by_key["made by us"]["derived"] == "yes"
    assert "'=1+1" in by_key and "=1+1" not in by_key, "a spreadsheet would run it"


@given(st.lists(st.text(alphabet="a|\\ \n", min_size=1), max_size=4))
def test_many_values_in_a_cell(values: list[str]) -> None:
    assert parted(joined(values)) == values


def test_json_ld(archive: Archive, tmp_path: Path, fill) -> None:
    fill(archive)
    export(archive, tmp_path / "works.jsonld", "jsonld", ExportPlan())
    whole = json.loads((tmp_path / "works.jsonld").read_text(encoding="utf-8"))
    assert whole["@context"] == CONTEXT and whole["@type"] == "dcmitype:Collection"
    assert len({one["@id"] for one in whole["works"]}) == 12

    def defined(value: object) -> None:
        """Every key is a keyword or a term of the context, and every prefix is one of it."""
        if isinstance(value, dict):
            for key, inner in value.items():
                assert key in CONTEXT or key in ("@id", "@type", "@context"), key
                defined(inner)
        elif isinstance(value, list):
            for inner in value:
                defined(inner)

    defined({key: value for key, value in whole.items() if key != "@context"})
    for term in CONTEXT.values():
        name = term["@id"] if isinstance(term, dict) else str(term)
        assert name.split(":")[0] in (*CONTEXT, "http", "urn", "1.1"), name
    mine = whole["works"][0]
    assert (mine["title"], mine["created"], mine["date"]) == ("What I call it", "1855 BC", "-1854")
    assert {(said["kind"], said["field"]) for said in mine["statements"]} >= {("catalog", "title"), ("person", "title")}


def test_json_ld_comes_back_word_for_word(archive: Archive, sqlite_archive_2: Archive, tmp_path: Path, fill) -> None:
    fill(archive)
    _others(archive)
    export(archive, tmp_path / "works.jsonld", "jsonld", ExportPlan())
    done = take_back(sqlite_archive_2, tmp_path / "works.jsonld")
    assert done.works == 17
    assert _rows(sqlite_archive_2, SHOWN) == _rows(archive, SHOWN)
    assert _rows(sqlite_archive_2, SAID) == _rows(archive, SAID)
    before = len(_rows(sqlite_archive_2, select(STATEMENTS)))
    again = json.loads((tmp_path / "works.jsonld").read_text(encoding="utf-8"))
    (tmp_path / "pretty.jsonld").write_text(json.dumps(again, indent=2))  # written anew by another program
    take_back(sqlite_archive_2, tmp_path / "pretty.jsonld")
    assert len(_rows(sqlite_archive_2, select(STATEMENTS))) == before


def test_csv_comes_back_as_a_catalogs_word(
    sqlite_archive: Archive, sqlite_archive_2: Archive, tmp_path: Path, fill
) -> None:
    fill(sqlite_archive)
    _others(sqlite_archive)
    export(sqlite_archive, tmp_path / "Tate.csv", "csv", ExportPlan())
    with sqlite_archive_2.writing() as writer:
        ids = works_of(writer, ["work-0003"])
        state(writer, {ids["work-0003"]: [Claim("title", "mine")]}, Speaker("person", "me"))
    take_back(sqlite_archive_2, tmp_path / "Tate.csv")
    theirs = {row[0]: row for row in _rows(sqlite_archive, SHOWN)}
    ours = {row[0]: row for row in _rows(sqlite_archive_2, SHOWN)}
    assert ours.pop("work-0003")[1] == "mine"
    assert ours == {key: row for key, row in theirs.items() if key != "work-0003"}
    speakers = select(STATEMENTS.c.kind, STATEMENTS.c.by).distinct()
    assert _rows(sqlite_archive_2, speakers) == [("catalog", "Tate"), ("person", "me")]


@pytest.fixture
def sqlite_archive_2(tmp_path: Path):
    with Archive.create(tmp_path / "second") as made:
        yield made


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.csv", "title\nx\n"), ("a.jsonld", '{"works": [1]}'), ("a.jsonld", '{"works": [\n{"identifier"'),
        ("a.jsonld", '{"works": [\n'), ("a.jsonld", "hello"), ("a.jsonld", "[" * 100_000),
        ("a.jsonld", '{"works": [{"identifier": Infinity, "derived": false, "statements": []}]}'),
        ("a.jsonld", '{"works": [{"identifier": "", "derived": false, "statements": []}]}'),
    ],
)  # fmt: skip
def test_what_is_no_export(sqlite_archive: Archive, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_text(words)
    with pytest.raises(ArchiveError, match=r"cannot be read|no export"):
        take_back(sqlite_archive, tmp_path / name)
    with pytest.raises(PlanError, match=r"neither \.csv nor"):
        take_back(sqlite_archive, tmp_path / "a.xml")
    assert _rows(sqlite_archive, select(WORKS)) == []


def _pictures(archive: Archive, folder: Path) -> list[Path]:
    """Real files for the first four works; the second work has two pages."""
    folder.mkdir()
    paths = [folder / f"{number} ä%.TIF" for number in range(4)]
    with archive.writing() as writer:
        for number, path in enumerate(paths):
            path.write_bytes(bytes([number]) * 1000)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            row = dict(writer.connection.execute(select(FILES).where(FILES.c.id == number + 1)).mappings().one())
            row |= {"path": str(path), "sha256": sha256, "content": sha256, "format": "tiff"}
            writer.put(FILES, [row])
            if number == 1:
                writer.add(FILES, [{**row, "page": 1, "content": f"{sha256}#1", "width": 33}])
    return paths


def _validate(manifest: dict, base: str) -> None:
    """The rules of IIIF Presentation 3.0 that are about structure (sections 2, 3, 5)."""
    ids: list[str] = []

    def language_map(value: dict) -> None:
        assert value and all(
            isinstance(one, list) and all(isinstance(text, str) for text in one) for one in value.values()
        )

    def resource(value: dict, kind: str) -> None:
        assert value["type"] == kind
        assert value["id"].startswith(base)
        ids.append(value["id"])

    assert manifest["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert next(iter(manifest)) == "@context", "it must come first"
    resource(manifest, "Manifest")
    language_map(manifest["label"])
    for pair in manifest["metadata"]:
        assert set(pair) == {"label", "value"}
        language_map(pair["label"])
        language_map(pair["value"])
    if "rights" in manifest:
        assert manifest["rights"].startswith(("http://creativecommons.org/", "http://rightsstatements.org/"))
    assert manifest["items"]
    for canvas in manifest["items"]:
        resource(canvas, "Canvas")
        assert "#" not in canvas["id"] and canvas["height"] > 0 and canvas["width"] > 0
        for page in canvas["items"]:
            resource(page, "AnnotationPage")
            for annotation in page["items"]:
                resource(annotation, "Annotation")
                assert (annotation["motivation"], annotation["target"]) == ("painting", canvas["id"])
                body = annotation["body"]
                assert body["type"] == "Image" and body["format"].startswith("image/")
                assert body["id"].startswith(base) and (body["width"], body["height"]) > (0, 0)
    assert len(ids) == len(set(ids))


def test_iiif(archive: Archive, tmp_path: Path, fill) -> None:
    fill(archive)
    _others(archive)
    _pictures(archive, tmp_path / "scans")
    with archive.writing() as writer:
        rights = {1: "https://creativecommons.org/publicdomain/zero/1.0/", 2: "© Tate"}
        for id, words in rights.items():
            state(writer, {id: [Claim("rights", words), Claim("date", "1885")]}, Speaker("catalog", "Tate"))
    base = "https://iiif.example.org/x"
    done = export(archive, tmp_path / "iiif", "iiif", ExportPlan(base=base + "/", label="Mine"))
    assert (done.count, done.left_out) == (12, 5)
    collection = json.loads((tmp_path / "iiif" / "collection.json").read_text())
    assert (collection["type"], collection["id"]) == ("Collection", f"{base}/collection.json")
    assert collection["label"] == {"none": ["Mine"]} and len(collection["items"]) == 12
    manifests = []
    for entry in collection["items"]:
        assert set(entry) == {"id", "type", "label"}
        one = json.loads((tmp_path / "iiif" / entry["id"].removeprefix(base + "/")).read_text())
        assert (one["id"], one["label"]) == (entry["id"], entry["label"])
        _validate(one, base)
        manifests.append(one)
    assert manifests[0]["rights"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert manifests[1]["requiredStatement"]["value"] == {"none": ["© Tate"]}
    assert manifests[1]["navDate"] == "1885-01-01T00:00:00Z" and "navDate" not in manifests[2]
    assert [canvas["width"] for canvas in manifests[1]["items"]] == [10, 33]
    with pytest.raises(PlanError, match="no web address"):
        export(archive, tmp_path / "other", "iiif", ExportPlan(base="folder"))
    with pytest.raises(PlanError, match="has a picture"):
        export(archive, tmp_path / "other", "iiif", ExportPlan("derived"))
    assert not list(tmp_path.glob(".*")) and not (tmp_path / "other").exists()


def test_bagit(archive: Archive, tmp_path: Path, fill) -> None:
    fill(archive, 6)
    paths = _pictures(archive, tmp_path / "scans")
    before = {path: path.read_bytes() for path in paths}
    paths[3].write_bytes(b"changed")
    done = export(archive, tmp_path / "bag", "bagit", ExportPlan())
    assert sorted(done.wrong) == sorted([str(paths[3]), "/scans/5.tif", "/scans/6.tif"])
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    assert {path.read_bytes() for path in (tmp_path / "bag" / "data" / "pictures").iterdir()} == {
        before[path] for path in paths[:3]
    }
    assert {one.name for one in (tmp_path / "bag" / "data").iterdir()} == {
        "catalog.csv", "catalog.jsonld", "events.jsonl", "pictures",
    }  # fmt: skip
    assert all(path.exists() for path in paths)
    picture = next((tmp_path / "bag" / "data" / "pictures").iterdir())
    picture.write_bytes(b"\0" + picture.read_bytes()[1:])
    with pytest.raises(bagit.BagValidationError):
        bag.validate()


def test_events(archive: Archive, tmp_path: Path, fill) -> None:
    fill(archive)
    done = export(archive, tmp_path / "events.jsonl", "premis", ExportPlan())
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert (len(events), done.what) == (1, "event")
    assert events[0]["eventType"] == "ingestion"
    assert events[0]["eventOutcomeInformation"]["eventOutcomeDetail"] == {"by": "a test", "numbers": [1, 2.5]}
    assert _rows(archive, select(EVENTS.c.type)) == [("dissemination",), ("ingestion",)]


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_written_over(sqlite_archive: Archive, tmp_path: Path, fill, format: str) -> None:
    fill(sqlite_archive, 4)
    _pictures(sqlite_archive, tmp_path / "scans")
    target = tmp_path / "target"
    is_folder = FORMATS[format][1]
    export(sqlite_archive, target, format, ExportPlan())
    kept = target / "mine.txt" if is_folder else target
    kept.write_text("mine")
    with pytest.raises(PlanError, match="exists already"):
        export(sqlite_archive, target, format, ExportPlan())
    with pytest.raises(PlanError):
        export(sqlite_archive, target, format, ExportPlan("artist = = 1", overwrite=True))
    assert kept.read_text() == "mine"
    export(sqlite_archive, target, format, ExportPlan(overwrite=True))
    assert (not kept.exists()) if is_folder else kept.read_text() != "mine"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("format", [name for name, (_, sign) in FORMATS.items() if sign])
def test_a_folder_of_another_sort_is_never_replaced(sqlite_archive: Archive, tmp_path: Path, fill, format: str) -> None:
    fill(sqlite_archive, 4)
    _pictures(sqlite_archive, tmp_path / "scans")
    before = sorted((tmp_path / "scans").iterdir())
    with pytest.raises(PlanError, match="something else"):
        export(sqlite_archive, tmp_path / "scans", format, ExportPlan(overwrite=True))
    assert before and sorted((tmp_path / "scans").iterdir()) == before


def test_an_unknown_format_and_the_archive_itself(sqlite_archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is no export"):
        export(sqlite_archive, tmp_path / "a", "xml", ExportPlan())
    with pytest.raises(PlanError, match="holds the archive"):
        export(sqlite_archive, tmp_path, "iiif", ExportPlan(overwrite=True))
