"""The network by which pictures are compared, and the name that its numbers bear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vasari.foundation.errors import WeightsError
from vasari.foundation.image_files import shrink
from vasari.models.backbones import DEFAULT, Backbone, read_backbone
from vasari.models.feature_networks import feature_distance
from vasari.models.inception import CLASSES, FEATURES, SIDE_PX, InceptionV3, as_tensorflow
from vasari.models.lpips import Lpips
from vasari.models.model_files import digest, find
from vasari.models.official import INCEPTION, is_official, load_lpips, official_file
from vasari.tasks.evaluate.class_score import ClassScore
from vasari.tasks.evaluate.plan import EvaluatePlan

COMPARED_PX = 1024  # the long side at which two pictures are compared by features
SPLITS = 10  # of the Inception Score, as it is published
TRUE_NAMES = ("fid", "kid", "is")


@dataclass(frozen=True)
class Comparer:
    """A feature network with the `label` of its numbers: "vasari" is the bundled encoder and nothing else.

    `official` only for Inception-v3 with the weights that FID is defined by, held against their digest. `lpips` where
    that was asked for.
    """

    backbone: Backbone
    label: str
    official: bool = False
    lpips: Lpips | None = None
    precision: torch.dtype = torch.float32

    @classmethod
    def of_plan(cls, plan: EvaluatePlan, pairs: bool = False) -> Comparer:
        """What a plan asks for; LPIPS for pairs alone. Raises `WeightsError`."""
        return cls.of(plan.network, plan.weights, plan.lpips if pairs else "none", plan.precision)

    @classmethod
    def of(cls, named: str | Path, weights: str = "", lpips: str = "none", precision: str = "float32") -> Comparer:
        """The network of a bundled name, an official one, or a file; `weights`: a folder of official ones.

        Raises `WeightsError`.
        """
        folder = Path(weights).expanduser() if weights else None
        if folder is not None and named == INCEPTION:
            named = official_file(INCEPTION, folder)
        backbone = read_backbone(named)
        official = backbone.name == INCEPTION and is_official(INCEPTION, backbone.digest)
        label = "vasari" if backbone.digest == digest(find(DEFAULT)) else f"{backbone.name}-{backbone.digest[:8]}"
        if isinstance(backbone.network, InceptionV3):
            backbone.network.folded()
        judge = load_lpips(lpips, folder) if lpips != "none" else None
        arithmetic = torch.bfloat16 if precision == "bfloat16" else torch.float32
        return cls(backbone, INCEPTION if official else label, official, judge, arithmetic)

    def named(self, metric: str) -> str:
        """The name of a metric of sets: FID, KID and IS bear their own only by the official weights."""
        return metric if self.official and metric in TRUE_NAMES else f"{metric}-{self.label}"

    def disclaimed(self, name: str) -> str:
        """What a protocol adds to a number that resembles a published one, and is not."""
        return "" if self.official else f", not {name}"

    @property
    def told(self) -> str:
        """The network for a protocol."""
        return f"{self.backbone.source} (sha256 {self.backbone.digest[:12]})"

    @property
    def as_published(self) -> bool:
        """Whether pictures are shown whole and resized as FID has them, and not as the plan says."""
        return isinstance(self.backbone.network, InceptionV3)

    @torch.inference_mode()
    def shown(self, pixels: Tensor) -> Tensor:
        """A whole picture uint8 [rows, columns, 3] as [3, 299, 299] in 0..1, resized as TensorFlow does."""
        return as_tensorflow(pixels.permute(2, 0, 1)[None].float(), SIDE_PX)[0] / 255

    @torch.inference_mode()
    def distance(self, picture: Tensor, truth: Tensor) -> float:
        """The feature distance of two [3, h, w] at all depths, the long side averaged to 1024 px or less; 0: alike."""
        one, other = (self.backbone.network(shrink(x, COMPARED_PX)[None]) for x in (picture, truth))
        return float(feature_distance(one, other)[0])

    @torch.inference_mode()
    def lpips_distance(self, picture: Tensor, truth: Tensor) -> float:
        """LPIPS of two [3, h, w], whole, at their own size; raises `WeightsError` where it was not asked for."""
        if self.lpips is None:
            raise WeightsError("LPIPS was not loaded.", remedy="ask for it with --lpips vgg or --lpips alex")
        return float(self.lpips(picture[None], truth[None])[0])

    @torch.inference_mode()
    def features(self, squares: Tensor) -> Tensor:
        """[N, 3, px, px] -> [N, d] float32: means over the places of the deepest map, as Inception's last pool."""
        with self._arithmetic():
            return self.backbone.network(squares)[-1].float().mean((2, 3)).clone()

    def width(self) -> int:
        """d, the number of features."""
        return FEATURES if self.as_published else int(self.features(torch.zeros(1, 3, 64, 64)).shape[1])

    def class_score(self) -> ClassScore | None:
        """The Inception Score, where the network is Inception-v3."""
        return ClassScore(None, self.label, CLASSES, SPLITS) if self.as_published else None

    @torch.inference_mode()
    def shares(self, features: Tensor) -> Tensor:
        """Features of Inception-v3 [n, 2048] to the probabilities of its classes; raises `WeightsError` for another."""
        network = self.backbone.network
        if not isinstance(network, InceptionV3):
            raise WeightsError(f"{self.backbone.name} knows no classes.", remedy="name Inception-v3 with --network")
        return network.shares(features)

    @contextmanager
    def _arithmetic(self) -> Iterator[None]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == torch.bfloat16):
            yield
