"""Linear projections of codes onto few axes, fitted once on a frozen reference and kept in small files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WeightsError
from vasari.models import model_files

BUNDLED_FOLDER = model_files.BUNDLED_FOLDER / "projections"
HEADER_KEY = "vasari-projection"
#: Channels that hardly differ between the pictures of the reference are not stretched beyond this.
SMALLEST_SPREAD = 1e-3


@dataclass(frozen=True, eq=False)
class Projection:
    """axes [k, d] times (a code [d] less `mean`) over `spread`: float32; of one encoder, by its weights' SHA-256.

    `facts` tell of the reference: number of pictures, licenses, shares of variance. `digest` is the SHA-256 of the
    file: a projection that was fitted anew defines another measure.
    """

    mean: np.ndarray
    spread: np.ndarray
    axes: np.ndarray
    encoder: str
    facts: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """[N, d] -> [N, k] float32."""
        return (self.standardized(codes) @ self.axes.T).astype(np.float32)

    def standardized(self, codes: np.ndarray) -> np.ndarray:
        """[..., d] with the reference's mean taken off, in units of its spread."""
        return (codes - self.mean) / self.spread

    def for_encoder(self, digest: str) -> Projection:
        """This one; raises `WeightsError` where it was fitted on codes of another encoder."""
        if digest != self.encoder:
            raise WeightsError(
                f"The reference was made with the encoder {self.encoder[:8]}, and {digest[:8]} is at hand.",
                remedy="reinstall Vasari (maintainers: run benchmarks/make_style_components.py)",
            )
        return self

    def save(self, path: str | Path) -> Path:
        """Write a safetensors file in float16, with encoder and facts in its header."""
        parts = {"mean": self.mean, "spread": self.spread, "axes": self.axes}
        halves = {name: np.ascontiguousarray(value, np.float16) for name, value in parts.items()}
        if not all(np.isfinite(value).all() for value in halves.values()):
            raise WeightsError("The projection is not finite in float16.", remedy="fit it on more pictures")
        header = json.dumps({"encoder": self.encoder, "facts": dict(self.facts)}, sort_keys=True, ensure_ascii=False)
        return write_whole(Path(path), to_safetensors(halves, {HEADER_KEY: header}))

    @classmethod
    def load(cls, path: str | Path) -> Projection:
        """Read what `save` wrote; raises `WeightsError` for anything else."""
        data = model_files.read(Path(path))
        try:
            tensors = {name: value.astype(np.float32) for name, value in from_safetensors(data).items()}
            header = json.loads(_metadata(data)[HEADER_KEY])
            facts = {str(name): str(value) for name, value in header["facts"].items()}
            made = cls(
                tensors["mean"],
                tensors["spread"],
                tensors["axes"],
                str(header["encoder"]),
                facts,
                hashlib.sha256(data).hexdigest(),
            )
        except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise WeightsError(f"{Path(path).name} is no projection.", remedy="reinstall Vasari") from error
        if made.axes.ndim != 2 or not made.mean.shape == made.spread.shape == made.axes.shape[1:]:
            raise WeightsError(f"{Path(path).name} holds tensors that do not fit.", remedy="reinstall Vasari")
        return made


def bundled(name: str) -> Projection:
    """The projection `name` that came with the package; raises `WeightsError`."""
    return Projection.load(BUNDLED_FOLDER / f"{name}.safetensors")


def components(codes: np.ndarray, count: int, encoder: str, facts: Mapping[str, str]) -> Projection:
    """The `count` principal components of standardized codes [N, d], each of deviation 1 over the reference.

    The sign of each axis is such that its largest entry is above 0. Raises `WeightsError` for too few codes.
    """
    return _fitted(codes, np.maximum(codes.std(0), SMALLEST_SPREAD), count, encoder, facts)


def whitening(codes: np.ndarray, count: int, encoder: str, facts: Mapping[str, str]) -> Projection:
    """The `count` principal components of codes [N, d] as they are, each brought to deviation 1.

    Source: Jégou and Chum, "Negative evidences and co-occurences in image retrieval: the benefit of PCA and
    whitening", 2012.
    """
    return _fitted(codes, np.ones(codes.shape[1]), count, encoder, facts)


def _fitted(codes: np.ndarray, spread: np.ndarray, count: int, encoder: str, facts: Mapping[str, str]) -> Projection:
    if len(codes) <= count:
        raise WeightsError(f"{len(codes)} codes do not have {count} components.", remedy="give more pictures")
    codes, mean = codes.astype(np.float64), codes.mean(0, dtype=np.float64)
    _, sizes, axes = np.linalg.svd((codes - mean) / spread, full_matrices=False)
    shares = sizes**2 / (sizes**2).sum()
    axes = axes[:count] / (sizes[:count, None] / np.sqrt(len(codes)))
    axes *= np.sign(axes[np.arange(count), np.abs(axes).argmax(1)])[:, None]
    told = {**facts, "pictures": str(len(codes)), "variance": " ".join(f"{share:.3f}" for share in shares[:8])}
    return Projection(mean.astype(np.float32), spread.astype(np.float32), axes.astype(np.float32), encoder, told)


def _metadata(data: bytes) -> dict[str, str]:
    """The free part of a safetensors header: 8 bytes of length, little-endian, then JSON."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]
