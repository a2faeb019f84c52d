"""The lab: models with their cards, trainings found below the results and allowed roots, reports kept from running."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from vasari.app.web import lab_folders
from vasari.app.web.application import create_app
from vasari.app.web.lab_folders import LabFolders
from vasari.app.web.pages import lab
from vasari.foundation.runs import RunFolder
from vasari.models import hub

REPORT = b"<!doctype html><title>a sweep</title><script>alert(1)</script>"


@pytest.fixture
def rooted(archive_folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A workbench with a root that holds a run of three validations, and a report."""
    from tests.app.web.conftest import LOCAL, opened

    run = RunFolder(tmp_path / "runs" / "first")
    run.begin({"name": "a-trial", "kind": "restore"})
    for step in range(1, 1201):
        run.log({"images_seen": 8 * step, "step": step, "restore.total": 1 / step, "images_per_second": 12.5})
    run.log({"images_seen": 9600, "validation": {"psnr": 25.25}})
    run.write_picture("000009600-aged_restored_clean", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "runs" / "sweep").mkdir()
    (tmp_path / "runs" / "sweep" / "report.html").write_bytes(REPORT)
    with (
        opened(archive_folder, roots=(str(tmp_path / "runs"),)) as bench,
        TestClient(create_app(bench), base_url=LOCAL, raise_server_exceptions=False) as client,
    ):
        yield client


def link(page: str, begin: str) -> str:
    return begin + page.split(f'href="{begin}')[1].split('"')[0]


def test_figures_and_failures_are_told_in_words(client: TestClient) -> None:
    page = client.get("/lab").text
    assert "coverage 0.371, " in page
    assert "[&#39;" not in page and "{&#39;" not in page


def test_every_bundled_model_is_shown_with_its_license_and_digest(client: TestClient) -> None:
    page = client.get("/lab").text
    for name in hub.bundled():
        assert f"<h3>{name}</h3>" in page and hub.digest(hub.find(name))[:16] in page
    assert "CC0" in page


def test_a_run_is_found_and_its_curves_are_thinned(rooted: TestClient) -> None:
    page = rooted.get("/lab").text
    assert "runs/first" in page and "PSNR, dB 25.25" in page and "12.5" in page
    address = link(page, "/lab/runs/")
    curves = rooted.get(f"{address}/curves").json()
    total = curves["restore.total"]
    assert len(total["images"]) <= lab.MOST_POINTS + 1 and total["images"][-1] == 9600
    assert curves["validation/psnr"] == {"images": [9600], "values": [25.25]}
    run = rooted.get(address).text
    assert "a-trial" in run
    picture = rooted.get(link(run, f"{address}/pictures/"))
    assert picture.headers["content-type"] == "image/png"


@pytest.mark.parametrize("name", ["..%2Frecipe.toml", "recipe.toml", "000000001-nothing.png"])
def test_nothing_but_its_pictures_leaves_a_run(rooted: TestClient, name: str) -> None:
    address = link(rooted.get("/lab").text, "/lab/runs/")
    assert rooted.get(f"{address}/pictures/{name}").status_code == 404
    assert rooted.get("/lab/runs/0123456789abcdef/curves").status_code == 404


@pytest.mark.parametrize("text", ["no JSON\n", "[1]\n", '{"level": "info"}\n', '{"images_seen": "many"}\n'])
def test_logs_of_other_programs_are_passed_over(rooted: TestClient, tmp_path: Path, text: str) -> None:
    other = tmp_path / "runs" / "other"
    other.mkdir()
    (other / "log.jsonl").write_text(text)
    page = rooted.get("/lab")
    assert page.status_code == 200 and "runs/first" in page.text and "runs/other" not in page.text
    (named,) = [one for one in LabFolders().found("runs", tmp_path / "runs") if one.shown == "runs/other"]
    assert rooted.get(f"/lab/runs/{named.id}").status_code == rooted.get(f"/lab/runs/{named.id}/curves").status_code
    assert rooted.get(f"/lab/runs/{named.id}").status_code == 404


def test_folders_are_looked_for_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links may lead round in a circle or out; a root of a million scans must not stop the page."""
    place = tmp_path / "place"
    for name in ("a/b/c/d", "a/b/c/d/e", "f"):
        (place / name).mkdir(parents=True, exist_ok=True)
        (place / name / "log.jsonl").touch()
    (place / "round").symlink_to(place)
    assert {one.shown for one in LabFolders().found("place", place)} == {"place/a/b/c/d", "place/f"}
    monkeypatch.setattr(lab_folders, "MOST_FOLDERS", 2)
    assert {one.shown for one in LabFolders().found("place", place)} == {"place/f"}
    assert not LabFolders().found("place", tmp_path / "none")


def test_a_report_is_shown_but_may_not_run(rooted: TestClient) -> None:
    shown = rooted.get(link(rooted.get("/lab").text, "/lab/reports/"))
    assert shown.content == REPORT
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox;") and "script-src" not in policy and "default-src 'none'" in policy


def test_the_lab_in_a_browser(live: Any, watched: Any) -> None:
    address, bench = live
    run = RunFolder(bench.folder / "results" / "job" / "run")
    run.begin({"name": "live"})
    run.log({"images_seen": 8, "restore.total": 0.5, "images_per_second": 3.0})
    watched.page.goto(f"{address}/lab")
    watched.page.get_by_role("link", name="results/job/run").click()
    watched.page.locator("#curves .uplot").first.wait_for()
    assert not watched.accessibility() and not watched.complaints
