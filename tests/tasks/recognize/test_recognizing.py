"""A recognizer learns plain styles, says unknown to what it never saw, and answers the same once saved and loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import MissingExtraError, PictureError, PlanError, TrainingError, WeightsError
from vasari.models import hub
from vasari.tasks.recognize.fitting import Trained, train_recognizer
from vasari.tasks.recognize.labels import Labeled, LabeledPicture, labeled_list, read_labeled
from vasari.tasks.recognize.page import page, summary
from vasari.tasks.recognize.plan import LabelsPlan, RecognizePlan, SplitPlan
from vasari.tasks.recognize.recognizer import UNKNOWN, Recognizer, votes

PX = 64
SPLIT = SplitPlan(seed=1)


def plan(small_encoder: Path, **options: object) -> RecognizePlan:
    return RecognizePlan(**{"features": str(small_encoder), "px": PX, "method": "knn", **options})


def test_plain_styles_are_recognized_on_artists_that_were_not_seen(trained: Trained, gallery: Path) -> None:
    found, recognizer = trained.evaluation, trained.recognizer
    assert found.scores["balanced_accuracy"] >= 0.7
    assert found.chance["balanced_accuracy"] == pytest.approx(1 / 3)
    low, high = found.intervals["accuracy"]
    assert low <= found.scores["accuracy"] <= high
    learned = {example.artist for example in recognizer.examples}
    assert not learned & {picture.artist for picture in trained.test}
    picture = trained.test[0]
    answer = recognizer.recognize(picture.path)
    assert answer.best == found.answers[0] and sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.confidence == pytest.approx(found.confidences[0], abs=1e-5)
    nearest = [one.distance for one in answer.evidence]
    assert len(nearest) == 5 and nearest == sorted(nearest)
    evidence = [recognizer.recognize(one.path).evidence[0].label == one.label for one in trained.test]
    assert np.mean(evidence) >= 0.6
    # A training picture is its own nearest evidence, at distance 0, and is not new.
    example = recognizer.examples[3]
    again = recognizer.recognize(gallery / example.name)
    assert again.evidence[0].sha256 == example.sha256 and again.evidence[0].distance < 1e-3 and again.novelty < 0.01


def test_a_picture_in_memory_is_answered_as_its_file(trained: Trained) -> None:
    path = trained.test[1].path
    pixels = np.asarray(Image.open(path))
    of_file, of_memory = trained.recognizer.recognize(path), trained.recognizer.recognize(pixels)
    assert of_file == of_memory


def test_noise_and_empty_pages_are_unknown(trained: Trained) -> None:
    rng = np.random.default_rng(0)
    strange = [
        rng.integers(0, 256, (120, 150, 3), dtype=np.uint8),
        np.full((100, 100, 3), 255, np.uint8),
        np.full((100, 140, 3), 90, np.uint8),
    ]
    for pixels in strange:
        answer = trained.recognizer.recognize(pixels)
        assert answer.label == UNKNOWN and answer.why and answer.novelty > 1
    known = [trained.recognizer.recognize(one.path) for one in trained.test]
    assert sum(one.novelty > 1 for one in known) <= len(known) // 4


def test_a_saved_recognizer_answers_the_same(trained: Trained, tmp_path: Path) -> None:
    path = trained.recognizer.save(tmp_path / "styles.safetensors")
    loaded = Recognizer.load(path)
    for one in trained.test[:4]:
        assert loaded.recognize(one.path) == trained.recognizer.recognize(one.path)
    header = hub.read_recipe(path)
    assert header["task"] == "recognize" and header["recognizer"]["classes"] == ["checks", "rings", "stripes"]
    assert header["features"]["name"] == "small" and len(header["features"]["sha256"]) == 64
    assert str(tmp_path.parent) not in json.dumps(header)
    assert header["evaluation"]["scores"] == trained.evaluation.scores
    assert loaded.save(tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_what_is_no_recognizer_is_told(trained: Trained, small_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no recognizer"):
        Recognizer.load(small_encoder)
    whole = trained.recognizer.save(tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError):
        Recognizer.load(tmp_path / "cut.safetensors")
    with pytest.raises(WeightsError):
        Recognizer.load(tmp_path / "none.safetensors")


def test_broken_files_are_named_and_the_rest_goes_on(
    trained: Trained, gallery: Path, small_encoder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((gallery / "rings" / "rings-0" / "0.png").read_bytes()[:100])
    good = trained.test[0].path
    answers = list(trained.recognizer.recognize_many([good, broken, tmp_path / "missing.png", good]))
    assert [one.recognition is None for one in answers] == [False, True, True, False]
    assert "broken.png" in answers[1].error and answers[0].recognition == answers[3].recognition
    with pytest.raises(PictureError, match=r"broken\.png"):
        trained.recognizer.recognize(broken)
    pictures = read_labeled(gallery).pictures
    more = (*pictures, LabeledPicture(broken, "rings", "rings-0"), LabeledPicture(pictures[0].path, "rings", "x"))
    found = train_recognizer(Labeled(more), plan(small_encoder), SPLIT)
    assert any("broken.png" in note and "1 pictures could not be read" in note for note in found.notes)
    assert any("repeat another" in note for note in found.notes)
    with pytest.raises(TrainingError, match="No picture can be learned from"):
        broken_only = [(broken, label, str(at)) for label in "ab" for at in range(6)]
        train_recognizer(labeled_list(broken_only), plan(small_encoder), SPLIT)


def test_folders_and_tables_say_the_same(gallery: Path) -> None:
    table = gallery.parent / "gallery.csv"
    of_folder = {(one.path, one.label, one.artist) for one in read_labeled(gallery).pictures}
    of_table = {(one.path, one.label, one.artist) for one in read_labeled(table).pictures}
    assert of_folder == of_table and len(of_folder) == 72
    artists = read_labeled(table, LabelsPlan(label_column="artist")).pictures
    assert {one.label for one in artists} == {one.artist for one in artists}
    periods = read_labeled(table, LabelsPlan(period_years=50))
    assert {one.label for one in periods.pictures} == {"1700-1749", "1750-1799", "1800-1849"}


def test_years_in_two_periods_and_rows_without_labels_are_left_out(tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text(
        "\ufefffile;style;creator;year_from;year_to\na.png;baroque;A;1649;1651\nb.png;;B;1651;1660\n;x;C;1;2\n",
        encoding="utf-8",
    )
    periods = read_labeled(table, LabelsPlan(period_years=50))
    assert [(one.name, one.label, one.artist) for one in periods.pictures] == [("b.png", "1650-1699", "B")]
    assert "2 rows" in periods.notes[0]
    assert [one.label for one in read_labeled(table).pictures] == ["baroque"]


def test_bad_sources_are_told(tmp_path: Path, gallery: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="No labeled picture"):
        read_labeled(tmp_path / "empty")
    with pytest.raises(PlanError, match="does not exist"):
        read_labeled(tmp_path / "nowhere")
    table = tmp_path / "table.csv"
    table.write_text("path,title\na.png,b\n")
    with pytest.raises(PlanError, match="no column of labels") as caught:
        read_labeled(table)
    assert "label" in caught.value.remedy
    with pytest.raises(PlanError, match="year_from"):
        read_labeled(table, LabelsPlan(period_years=50))
    with pytest.raises(PlanError, match="no column painter"):
        read_labeled(gallery.parent / "gallery.csv", LabelsPlan(artist_column="painter"))
    table.write_text("title,label\na,b\n")
    with pytest.raises(PlanError, match="paths of pictures"):
        read_labeled(table)
    with pytest.raises(PlanError, match="is a folder"):
        read_labeled(gallery, LabelsPlan(label_column="style"))


def test_one_class_is_refused_before_a_picture_is_opened(tmp_path: Path, small_encoder: Path) -> None:
    rows = [(tmp_path / f"{at}.png", "only", f"artist {at}") for at in range(9)]
    with pytest.raises(TrainingError, match="Two classes or more"):
        train_recognizer(labeled_list(rows), plan(small_encoder), SPLIT)


def test_a_missing_extra_is_named(gallery: Path, small_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError) as caught:
        train_recognizer(read_labeled(gallery), plan(small_encoder, method="probe"), SPLIT)
    assert "vasari[archive]" in caught.value.remedy


def test_votes_are_scikit_learns() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(3)
    known, labels = rng.normal(size=(40, 6)), rng.integers(0, 4, 40)
    asked = rng.normal(size=(15, 6))
    model = KNeighborsClassifier(7, metric="cosine", weights="distance").fit(known, labels)
    units = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (asked, known)]
    distances = torch.from_numpy(1 - units[0] @ units[1].T)
    found = votes(distances, torch.from_numpy(labels), 4, 7).numpy()
    assert np.abs(found - model.predict_proba(asked)).max() < 0.011  # but for a hundredth of a vote for all
    assert (found > 0).all() and np.allclose(found.sum(1), 1)


def test_without_confidence_all_is_unknown_and_that_is_told(gallery: Path, small_encoder: Path) -> None:
    pictures = list(read_labeled(gallery).pictures)
    rng = np.random.default_rng(0)
    shuffled = rng.permutation([one.label for one in pictures])
    mixed = Labeled(tuple(LabeledPicture(one.path, str(label)) for one, label in zip(pictures, shuffled)))
    found = train_recognizer(mixed, plan(small_encoder, sure=1.0), SPLIT)
    assert any("always say unknown" in note for note in found.notes)
    assert found.evaluation.coverage == 0 and found.evaluation.precision is None
    assert found.recognizer.recognize(pictures[0].path).label == UNKNOWN
    assert "unknown" in summary(found)


def test_the_page_tells_scores_confusion_and_calibration(trained: Trained) -> None:
    text = page(trained, "a < b")
    assert "a &lt; b" in text and "<script" not in text and "http" not in text
    for words in ("balanced accuracy", "Confusion", "Calibration", "chance", "stripes", "data:image/jpeg;base64,"):
        assert words in text
    assert text.count('class="bar"') == 10
