"""Which weights a plan means, and their digests. Imports no torch, so that a finished batch is known quickly."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from vasari.foundation.errors import WeightsError
from vasari.foundation.treatment import ModelFacts
from vasari.models import downloads
from vasari.tasks.restore.plan import DEFAULT_MODEL, FAITHFUL, VIVID, RestorePlan


def shares(plan: RestorePlan) -> tuple[tuple[str, float], ...]:
    """(model, share) of the weights to interpolate; models of share 0 are not needed, and not asked for."""
    if plan.model != DEFAULT_MODEL:
        return ((plan.model, 1.0),)
    pairs = ((FAITHFUL, 1.0 - plan.vividness), (VIVID, plan.vividness))
    return tuple((name, share) for name, share in pairs if share > 0)


def find(name_or_path: str) -> Path:
    """The file of a bundled name, a path or an address, as `models.hub.find`; raises `WeightsError`."""
    if downloads.is_address(name_or_path):
        return downloads.fetched(name_or_path)
    bundled = Path(str(resources.files("vasari.models"))) / "weights" / f"{name_or_path}.safetensors"
    path = Path(name_or_path).expanduser()
    for one in (bundled, path):
        if one.is_file():
            return one
    if name_or_path == VIVID:
        raise WeightsError(
            "vividness above 0 needs the weights restore-vivid, which are not in this package.",
            remedy="use --vividness 0, or name a model with --model",
        )
    names = ", ".join(sorted(one.stem for one in bundled.parent.glob("*.safetensors"))) or "none"
    raise WeightsError(f"There is no model {name_or_path!r}.", remedy=f"name a file, or a bundled model: {names}")


def facts(plan: RestorePlan) -> tuple[ModelFacts, ...]:
    """The models of a plan with the SHA-256 of their files; raises `WeightsError` where one is missing."""
    found = []
    for name, share in shares(plan):
        path = find(name)
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error}.", remedy="name a readable file") from None
        found.append(ModelFacts(path.stem, digest, share))
    return tuple(found)


def digest(models: tuple[ModelFacts, ...]) -> str:
    """One SHA-256 for the interpolated weights."""
    text = ";".join(f"{one.digest}:{one.share!r}" for one in models)
    return hashlib.sha256(text.encode()).hexdigest()
