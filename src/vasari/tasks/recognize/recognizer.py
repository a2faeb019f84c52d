"""A trained recognizer: pictures in, answers with probabilities and evidence out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError
from vasari.foundation.picture import Picture
from vasari.models.pooling import PictureClassifier
from vasari.tasks.recognize.calibration import probabilities
from vasari.tasks.recognize.pictures import picture_pixels, read_pixels

UNKNOWN = "unknown"
EVIDENCE_SHOWN = 5
SMALLEST_DISTANCE = 1e-3  # of two pictures that vote: a copy does not outvote everything by infinitely much
SMALLEST_VOTE = 1e-2


@dataclass(frozen=True)
class Example:
    """A training picture: its name (never a whole path), label, artist and the SHA-256 of its file."""

    name: str
    label: str
    artist: str
    sha256: str


@dataclass(frozen=True)
class Evidence:
    """A training picture near the one in question; `distance` is 1 - cosine of their features, 0..2."""

    name: str
    label: str
    artist: str
    distance: float
    sha256: str


@dataclass(frozen=True)
class Recognition:
    """An answer: `label` is a class or "unknown", then `why` tells the reason; `best` the likeliest class in any case.

    `probabilities` are calibrated, of all classes, summing to 1; `evidence` the nearest training pictures, nearest
    first; `novelty` how far the nearest features are, over how far those of known pictures are (above 1: like none).
    """

    label: str
    best: str
    probabilities: Mapping[str, float]
    evidence: tuple[Evidence, ...]
    novelty: float
    why: str = ""

    @property
    def confidence(self) -> float:
        """The probability of the likeliest class."""
        return self.probabilities[self.best]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "probabilities": dict(self.probabilities), "confidence": self.confidence}


@dataclass(frozen=True)
class Recognized:
    """What became of a file: an answer, or why there is none."""

    path: Path
    recognition: Recognition | None
    error: str = ""


@dataclass(frozen=True, eq=False)
class Recognizer:
    """A network with its classes, its calibration and its training pictures as evidence.

    `method` is "probe", "knn" or "cnn"; `examples` [n] describe the rows of `evidence` [n, d], the standardized
    features of the training pictures; `novelty` is the distance (see `novelties`) beyond which a picture is like none
    of them; `threshold` the least probability of an answer. `facts` is the card: the feature network's name and digest,
    the training data, the evaluation.
    """

    network: PictureClassifier
    classes: tuple[str, ...]
    method: str
    px: int
    evidence: Tensor
    examples: tuple[Example, ...]
    neighbors: int = 10
    temperature: float = 1.0
    threshold: float = 0.0
    novelty: float = float("inf")
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> Recognizer:
        """The recognizer in a file that `save` wrote; raises `WeightsError` for anything else."""
        from vasari.tasks.recognize.file import load

        return load(path)

    def save(self, path: str | Path) -> Path:
        """Write it as one `.safetensors` file."""
        from vasari.tasks.recognize.file import save

        return save(self, path)

    def recognize(self, picture: str | Path | Picture | np.ndarray) -> Recognition:
        """The answer for a picture: a path, a `Picture`, or an array as `Picture.from_array` takes it.

        Raises `PictureError` for a file that is no picture.
        """
        return self.judge(self.pixels_of(picture))

    def recognize_many(self, paths: Iterable[str | Path]) -> Iterator[Recognized]:
        """Answers one by one, as they are made; a file that cannot be read is told, and the rest goes on."""
        for path in paths:
            try:
                yield Recognized(Path(path), self.recognize(path))
            except PictureError as error:
                yield Recognized(Path(path), None, error.message)

    def pixels_of(self, picture: str | Path | Picture | np.ndarray) -> Tensor:
        """float32 [3, h, w] in 0..1 as the network is shown it."""
        if isinstance(picture, (str, Path)):
            return read_pixels(picture, self.px).pixels
        return picture_pixels(picture, self.px)

    @torch.inference_mode()
    def judge(self, pixels: Tensor) -> Recognition:
        """The answer for pixels [3, h, w] as `pixels_of` gives them."""
        vector = self.standardized(pixels[None])
        return self.answers(vector)[0]

    def standardized(self, pixels: Tensor) -> Tensor:
        """[N, 3, h, w] -> standardized features [N, d]."""
        return self.network.standardized(self.network.features(pixels))

    def answers(self, vectors: Tensor) -> list[Recognition]:
        """Answers for standardized features [N, d]."""
        shares = probabilities(self.logits(vectors).numpy(), self.temperature)
        distances, novelties = self.distances(vectors), self.novelties(vectors) / self.novelty
        rows = zip(shares, distances, novelties.tolist(), strict=True)
        return [self._answer(share, distance, novelty) for share, distance, novelty in rows]

    def distances(self, vectors: Tensor) -> Tensor:
        """[N, n] float32: 1 - cosine of each picture with each training picture, 0..2."""
        return 1 - functional.normalize(vectors.float(), dim=1) @ functional.normalize(self.evidence, dim=1).T

    def novelties(self, vectors: Tensor) -> Tensor:
        """[N] float32: the distance to the nearest training picture, in deviations a feature (root mean square).

        Not of cosines, which forget how far out a picture lies: noise may point the way that rough canvas does.
        """
        return torch.cdist(vectors.float(), self.evidence).min(1).values / self.evidence.shape[1] ** 0.5

    def logits(self, vectors: Tensor) -> Tensor:
        """[N, classes]: of the linear layer, or the logarithms of the neighbors' votes, weighted by 1 / distance."""
        if self.method != "knn":
            return self.network.head(vectors.float())
        return votes(self.distances(vectors), self.labels(), len(self.classes), self.neighbors).log()

    def labels(self) -> Tensor:
        """The class of each training picture, int64 [n]."""
        number = {name: index for index, name in enumerate(self.classes)}
        return torch.tensor([number[one.label] for one in self.examples])

    def _answer(self, share: np.ndarray, distances: Tensor, novelty: float) -> Recognition:
        nearest = torch.argsort(distances, stable=True)[:EVIDENCE_SHOWN].tolist()
        evidence = tuple(
            Evidence(one.name, one.label, one.artist, round(max(0.0, float(distances[at])), 6), one.sha256)
            for at, one in ((at, self.examples[at]) for at in nearest)
        )
        best = self.classes[int(share.argmax())]
        why = ""
        if novelty > 1:
            why = "unlike all training pictures"
        elif share.max() < self.threshold:
            why = "not sure enough"
        shares = {name: float(value) for name, value in zip(self.classes, share, strict=True)}
        return Recognition(UNKNOWN if why else best, best, shares, evidence, novelty, why)


def votes(distances: Tensor, labels: Tensor, classes: int, neighbors: int) -> Tensor:
    """[N, classes] summing to 1: the votes of the nearest, each weighing 1 / distance (Dudani 1976, there linear).

    Every class has a hundredth of a vote at least, so that none is impossible.
    """
    nearest = distances.topk(min(neighbors, distances.shape[1]), largest=False)
    weights = 1 / nearest.values.clamp(min=SMALLEST_DISTANCE)
    weights = weights / weights.sum(1, keepdim=True)
    found = torch.zeros(len(distances), classes).scatter_add_(1, labels[nearest.indices], weights.float())
    found = found + SMALLEST_VOTE / classes
    return found / found.sum(1, keepdim=True)
