"""What somebody asks for, checked before it goes into the queue: references, fields, keys, roles."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.event import listen

from vasari.app.operations.descriptions import described
from vasari.app.operations.operation import part_of
from vasari.app.operations.ordering import ForbiddenError, errand_of, filled, order_of
from vasari.app.operations.references import Places, Reference, parse, weighted
from vasari.app.operations.table import OPERATIONS, operation_of
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.workbench.jobs import Job, ordered
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import ArchiveError, PlanError, VasariError
from vasari.foundation.plans import from_dict, to_dict
from vasari.tasks.restore.plan import RestorePlan

SHA = "a" * 64
ID = "0" * 24


@pytest.mark.parametrize(
    ("text", "kind"),
    [(f"upload:{SHA}", "upload"), (f"upload:{SHA}/a b.png", "upload"), ("work:12", "work"),
     (f"job:{ID}/a b.png", "job"), (f"job:{ID}", "job"), ("file:/a/b:c.png", "file")],
)  # fmt: skip
def test_references_are_read(text: str, kind: str) -> None:
    reference = parse(text)
    assert reference is not None and reference.kind == kind and str(reference) == text


@pytest.mark.parametrize(
    "text", ["", "upload:xyz", "upload:" + "A" * 64, "work:-1", "work:1/2", "job:1/a", "/etc/passwd", "https://a/b.png",
             "file:", "file:/a\0b", f"upload:{SHA}/", f"upload:{SHA}/a/b", f"upload:{SHA}/a\0", "works:1"]
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("work:12", (Reference("work", "12"), "")), ("work:12:0.5", (Reference("work", "12"), ":0.5")),
     (f"upload:{SHA}:2", (Reference("upload", SHA), ":2")),
     (f"upload:{SHA}/a.png:2", (Reference("upload", f"{SHA}/a.png"), ":2")),
     ("monet:0.5", (None, ":0.5")), ("monet", (None, "")),
     (f"job:{ID}/a.png:1e-2", (Reference("job", f"{ID}/a.png"), ":1e-2"))],
)  # fmt: skip
def test_styles_with_weights(text: str, expected: tuple[Reference | None, str]) -> None:
    reference, _, weight = weighted(text)
    assert (reference, weight) == expected


def test_where_references_lead(places: Places, sent: Callable[..., str], tmp_path: Path) -> None:
    upload = parse(sent(1))
    assert upload is not None and places.path(upload).name == "scan.png"
    folder = tmp_path / "scans"
    folder.mkdir()
    places.path(upload).rename(folder / "one.png")
    add(places.archive, [str(folder)], AddPlan(workers=1))
    assert places.path(Reference("work", "1")) == folder / "one.png"
    assert places.path(Reference("file", str(folder / "one.png"))) == folder / "one.png"
    assert places.path(Reference("file", str(folder))) == folder
    assert places.content(Reference("work", "1")) == upload.value
    made = places.folder / "results" / ID
    made.mkdir(parents=True)
    (made / "a.png").write_bytes(b"x")
    assert places.path(Reference("job", f"{ID}/a.png")) == made / "a.png"


def test_thousands_of_inputs_are_ordered_without_reading_them(
    places: Places, sent: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the archive, the uploads and the results tell of contents is enough; one question for all works."""
    folder = tmp_path / "scans"
    folder.mkdir()
    uploads = [Reference("upload", sent(number)[7:]) for number in range(12)]
    for number, one in enumerate(uploads):
        places.path(one).rename(folder / f"{number}.png")
    add(places.archive, [str(folder)], AddPlan(workers=1))
    shas = {f"{number}.png": one.value for number, one in enumerate(uploads)}
    made = places.folder / "results" / ID
    made.mkdir(parents=True)
    (made / "a.png").write_bytes(b"x")
    (made / "result.json").write_text(json.dumps({"files": [{"name": "a.png", "bytes": 1, "sha256": SHA}]}))
    real, read = Path.open, list[Path]()

    def watched(path: Path, *words: Any, **more: Any) -> Any:
        read.append(path)
        return real(path, *words, **more)

    asked: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", watched)
        listen(places.archive.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
        references = [Reference("work", str(1 + number % 12)) for number in range(9999)]
        found = places.found([*references, Reference("job", f"{ID}/a.png"), Reference("file", str(folder / "3.png"))])
    assert [one.content for one in found[:12]] == [shas[one.path.name] for one in found[:12]]
    assert len({one.path for one in found[:9999]}) == 12 and found[9999].content == SHA
    assert not [path for path in read if path.suffix == ".png"]
    assert sum("files" in statement for statement in asked) == 1


def test_a_file_on_the_server_is_other_work_once_it_has_changed(places: Places, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    path = tmp_path / "scans" / "a.png"
    path.write_bytes(b"1")
    reference = Reference("file", str(path))
    first = places.content(reference)
    assert places.content(reference) == first
    path.write_bytes(b"22")
    assert places.content(reference) != first


@pytest.mark.parametrize(
    "value", ["/etc/passwd", "scans/../../../etc/passwd", "relative.png", "/etc", "SCANS/../archive/archive.toml",
              "SCANS/link"]
)  # fmt: skip
def test_files_outside_the_roots_are_refused(places: Places, tmp_path: Path, value: str) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "link").symlink_to("/etc/passwd")
    with pytest.raises(PlanError):
        places.path(Reference("file", value.replace("SCANS", str(tmp_path / "scans"))))


@pytest.mark.parametrize("name", ["../../archive.toml", f"../{ID}x", "/etc/passwd", "a/../../../x"])
def test_results_lead_nowhere_else(places: Places, name: str) -> None:
    (places.folder / "results" / ID).mkdir(parents=True)
    with pytest.raises((PlanError, ArchiveError)):
        places.path(Reference("job", f"{ID}/{name}"))


def test_the_same_work_has_the_same_key_and_other_work_another(places: Places, sent: Callable[..., str]) -> None:
    one, two = sent(1), sent(2)

    def key(inputs: list[str], **fields: object) -> str:
        return order_of("restore", fields, inputs, places).key

    first = key([one], vividness=0.0)
    assert first == key([one]) == key([one], tone="neutral", strength=1), "defaults said or not are the same"
    others = [key([two]), key([one, two]), key([two, one]), key([one], strength=0.5), key([one], style=[two]),
              key([one], style=[f"{two}:0.5"])]  # fmt: skip
    assert len({first, *others}) == 7
    assert order_of("restore", {}, [one], places, add_to_archive=True).key != first
    nothing = [order_of("archive-index", {}, [], places).key for _ in range(2)]
    assert nothing[0] != nothing[1], "what works on the archive as it stands is new each time"


def test_what_is_stored_holds_no_paths_and_is_read_again(places: Places, sent: Callable[..., str]) -> None:
    one, two = sent(1), sent(2)
    order = order_of("restore", {"style": [f"{two}:0.5"], "strength": 0.5}, [one], places, owner="ann", priority=3)
    assert order.fields["style"] == [f"{two}:0.5"] and str(places.folder) not in json.dumps(dict(order.fields))
    job = Job.from_row({**ordered(order, ID, 1.0)})
    operation, errand = errand_of(job, places.folder, places, lambda done, total, words: None)
    assert operation is OPERATIONS["restore"] and errand.plan.strength == 0.5
    assert errand.plan.style == (f"{places.folder}/uploads/{two[7:]}/scan.png:0.5",)
    assert [path.name for path in errand.inputs] == ["scan.png"]
    plan = part_of(RestorePlan, errand.plan)
    assert type(plan) is RestorePlan and to_dict(plan) == to_dict(RestorePlan(strength=0.5))


@pytest.mark.parametrize(
    ("name", "fields", "count"),
    [("restore", {"vividness": 2}, 1), ("restore", {"nothing": 1}, 1), ("restore", {}, 0), ("unknown", {}, 1),
     ("restore", {"model": "/etc/passwd"}, 1), ("restore", {"model": "https://a/b#sha256=c"}, 1),
     ("restore", {"model": 3}, 1), ("restore", {"style": [1]}, 1), ("restore", {"style": "../a.png"}, 1),
     ("restore", {"film": {"steady": 2}}, 1), ("restore", {"film": 3}, 1),
     ("stylize", {"settings": ["network=/etc/passwd"], "method": "optimize"}, 1), ("inpaint", {}, 1),
     ("inpaint", {"box": [1, 2, 3]}, 1), ("inpaint", {"mask": "/etc/passwd"}, 1), ("inpaint", {"damage": True}, 2),
     ("evaluate", {"cache": "/tmp/x"}, 1), ("evaluate", {"network": "../x"}, 1), ("train", {"recipe": "/a.toml"}, 1),
     ("generate", {}, 0), ("archive-index", {}, 1)],
)  # fmt: skip
def test_what_cannot_be_carried_out_is_refused(
    places: Places, sent: Callable[..., str], name: str, fields: dict[str, object], count: int
) -> None:
    with pytest.raises(PlanError) as refused:
        order_of(name, fields, [sent(number) for number in range(count)], places)
    assert refused.value.remedy


def test_a_reference_to_nothing_is_refused(places: Places) -> None:
    for reference in (f"upload:{SHA}", "work:77", f"job:{ID}/a.png"):
        with pytest.raises(ArchiveError):
            order_of("restore", {}, [reference], places)


def test_training_is_for_admins(places: Places, sent: Callable[..., str]) -> None:
    with pytest.raises(ForbiddenError, match="admin"):
        order_of("train", {"recipe": "restore-faithful"}, [sent()], places, role=Role.EDITOR)
    with pytest.raises(ForbiddenError):
        order_of("restore", {}, [sent(1)], places, role=Role.VIEWER)


def test_every_operation_is_described_and_its_references_are_fields() -> None:
    json.dumps(described())
    for name, operation in OPERATIONS.items():
        known = {item.name for item in dataclasses.fields(operation.fields)}
        named = (*operation.pictures, *operation.styles, *operation.models, *operation.forbidden)
        assert set(named) <= known, name
        assert operation.title and operation.help and operation.run.__doc__
    for one in described():
        assert not {"style", "mask", "against"} & set(one["fields"]["properties"]) - set(one["references"])


@pytest.mark.parametrize("one", described(), ids=lambda one: str(one["name"]))
def test_the_schema_says_what_is_taken(one: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    """Each default of the schema is taken as it stands; a value outside of its range is not."""
    kind = operation_of(str(one["name"])).fields
    for name, rule in one["fields"]["properties"].items():
        values = {name: rule.get("default")}
        if "minimum" in rule:
            with pytest.raises(VasariError):
                from_dict(kind, {name: rule["minimum"] - 1})  # type: ignore[operator]
        if values[name] not in (None, "", [], ()):
            try:
                from_dict(kind, values)
            except PlanError as error:
                assert name not in error.message.split("=")[0], error


def test_fields_without_references_are_filled_as_the_command_does(places: Places) -> None:
    plan = filled(OPERATIONS["texture"], {"size": "64x32", "seed": None}, places)
    assert plan.pixels == (64, 32) and plan.seed == 0
