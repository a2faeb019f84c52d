"""Named styles, and what a `--style` means: a picture, a saved code, or a name.

A named style is a file NAME.safetensors that `StyleCode.save` wrote, with its facts (title, artist, date, source,
rights) in the header; it lies in the package or in the user's own folder. Imports no torch, so that a finished
batch is known quickly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasari.foundation import row_reader
from vasari.foundation.errors import PictureError, PlanError, WeightsError, WriteError
from vasari.foundation.plans import digest
from vasari.foundation.treatment import ModelFacts
from vasari.models import model_files
from vasari.tasks.stylize.photo.manner import PRESETS, preset
from vasari.tasks.stylize.stylize_plan import OPTIMIZE, StylizePlan, parse

BUNDLED_FOLDER = model_files.BUNDLED_FOLDER / "styles"
SUFFIX = ".safetensors"
# What is told of a style, in this order.
FACTS = ("title", "artist", "date", "source", "rights")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class StyleFile:
    """A style as a file: a picture, or a code with its facts; `share` 0..1 of all styles together."""

    name: str
    path: Path
    digest: str
    share: float = 1.0
    is_code: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The style in words, with its source and rights where they are known."""
        known = [self.facts[key] for key in FACTS if self.facts.get(key)]
        return f"{self.name} ({'; '.join(known)})" if known else self.name

    @property
    def record(self) -> ModelFacts:
        """As the treatment record keeps it: another file under the same name is another style."""
        return ModelFacts(f"style {self.name}", self.digest, self.share)


def user_folder() -> Path:
    """Where the user's own styles lie: vasari/styles in $XDG_DATA_HOME, else in ~/.local/share."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "vasari" / "styles"


def named() -> dict[str, Path]:
    """Every named style and its file, by name; those of the package come first where a name is there twice."""
    found = {path.stem: path for folder in (user_folder(), BUNDLED_FOLDER) for path in folder.glob(f"*{SUFFIX}")}
    return dict(sorted(found.items()))


def is_bundled(path: Path) -> bool:
    """True for a style of the package."""
    return path.parent == BUNDLED_FOLDER


def find(text: str, share: float = 1.0) -> StyleFile:
    """The style that a name or a path means; raises `PlanError` where there is none, `WeightsError` for a bad code."""
    known = named()
    path = known.get(text) or Path(text).expanduser()
    if not path.is_file():
        names = ", ".join(known) or "none"
        hint = "; a year or an era needs --style-kind photo" if is_preset(text) else ""
        remedy = f"name a picture, a saved style, or one of: {names}{hint}"
        raise PlanError(f"There is no style {text!r}.", remedy=remedy)
    name = text if text in known else path.name
    is_code = path.suffix.lower() == SUFFIX
    facts = facts_of(path) if is_code else {}
    return StyleFile(name, path.resolve(), _digest(path), share, is_code, facts)


def is_preset(text: str) -> bool:
    """True for the name of an era, and for a year, as `--style-kind photo` takes them."""
    return text in PRESETS or (text.isdecimal() and len(text) == 4)


def _photographic(text: str, share: float) -> StyleFile:
    """A preset in the place of a style's file; its digest is that of its numbers."""
    if not is_preset(text):
        try:
            return find(text, share)
        except PlanError as error:
            eras = ", ".join(PRESETS)
            raise PlanError(error.message, remedy=f"name a scan, a year as 1905, or an era: {eras}") from error
    return StyleFile(text, Path(), digest(preset(text)), share)


def _digest(path: Path) -> str:
    try:
        return model_files.digest(path)
    except WeightsError as error:
        raise PictureError(error.message, remedy="check the file and its permissions") from error


def find_all(plan: StylizePlan) -> tuple[StyleFile, ...]:
    """The styles of a plan with their shares, in order, each held against what the plan asks of it.

    Raises `PlanError` where it names none, or a code where the picture is needed; `PictureError` for a file that
    cannot be opened as a picture, `WeightsError` for a bad code.
    """
    if not plan.style:
        raise PlanError("No style was named.", remedy="add --style PICTURE, or a name that `vasari styles list` shows")
    weights = [1.0 if weight is None else weight for _, weight in plan.weighted]
    whole = sum(weights) if not plan.mask else 1.0
    look_up = _photographic if plan.photographic else find
    found = tuple(look_up(name, weight / whole) for (name, _), weight in zip(plan.weighted, weights, strict=True))
    for one in found:
        if one.is_code:
            refuse_code(plan)
        elif not (plan.photographic and is_preset(one.name)):
            row_reader.inspect(one.path)
    return found


def refuse_code(plan: StylizePlan) -> None:
    """Raise `PlanError` where what a plan asks cannot be done with the code of a style, and needs its picture."""
    if plan.photographic:
        raise PlanError(
            "A named or saved style holds strokes, and no photograph's manner.",
            remedy="name a scan, a year as 1905, or an era; or leave --style-kind out",
        )
    if plan.method == OPTIMIZE:
        raise PlanError(
            "Optimizing needs the style picture, and a named or saved style has none.",
            remedy="give the picture itself, or use --method fast",
        )
    if plan.keep_color == "histogram":
        raise PlanError(
            "keep_color=histogram changes the colors of the style picture, and a named or saved style has none.",
            remedy="use --keep-color luminance, or give the picture itself",
        )
    if plan.style_scale != 1:
        raise PlanError(
            "The strokes of a named or saved style have the size that they were coded with.",
            remedy="give the picture itself, or change their size with --working-px",
        )


def placed(texts: Sequence[str], presets: bool = False) -> tuple[str, ...]:
    """The styles or masks with absolute paths, so that a record is understood from any folder; names stay names."""
    known = named()
    made = []
    for text in texts:
        name, weight = parse(text)
        if name not in known and not (presets and is_preset(name)):
            name = str(Path(name).expanduser().absolute())
        # The weight is written as it was given.
        made.append(name if weight is None else f"{name}:{text.rpartition(':')[2]}")
    return tuple(made)


def facts_of(path: Path) -> dict[str, str]:
    """The facts in the header of a saved style; raises `WeightsError` where it is none."""
    try:
        header = model_files.header_entry(model_files.read(path), model_files.STYLE_HEADER)
        return {str(key): str(value) for key, value in header["facts"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path.name} is no style code.", remedy="name a picture, or a file that `vasari styles add` wrote"
        ) from error


def add(
    name: str,
    pictures: Sequence[str | Path],
    facts: Mapping[str, str],
    *,
    folder: Path | None = None,
    scale: float = 1.0,
    encoder: str = "encoder",
) -> Path:
    """Code pictures, their mean where they are several, and save it as the style `name` in `folder` (the user's own).

    `facts`: entries of `FACTS`; `scale` as `StylizePlan.style_scale`. Raises `PlanError` where the name is taken or
    no name, `PictureError`, `WeightsError`, `WriteError`.
    """
    target = _target(name, folder or user_folder())
    if not pictures:
        raise PlanError("No picture was named.", remedy="write: vasari styles add NAME PICTURE...")
    unknown = sorted(set(facts) - set(FACTS))
    if unknown:
        raise PlanError(f"A style has no fact {unknown[0]!r}.", remedy=f"use: {', '.join(FACTS)}")
    for one in pictures:
        row_reader.inspect(find(str(one)).path)
    # Loading the encoder takes seconds: only now.
    from vasari.models.style import StyleCode
    from vasari.tasks.stylize.coding import Coder, sized

    coder = Coder.of(encoder)
    code = StyleCode.mean([coder.code(sized(one, scale)) for one in pictures])
    return code.save(target, {key: text for key, text in facts.items() if text})


def _target(name: str, folder: Path) -> Path:
    """Where a new style goes; raises `PlanError` where its name is taken or no name."""
    if not _NAME.fullmatch(name):
        raise PlanError(f"{name!r} is no name of a style.", remedy="use small letters, digits and hyphens: my-oil")
    if is_preset(name):
        raise PlanError(f"{name} is a year or an era of photographs.", remedy=f"choose another name: my-{name}")
    target = folder / f"{name}{SUFFIX}"
    taken = target if target.exists() else named().get(name)
    if taken is not None:
        remedy = "choose another name" if is_bundled(taken) else f"choose another, or: vasari styles remove {name}"
        raise PlanError(f"There is a style {name} already.", remedy=remedy)
    return target


def remove(name: str) -> Path:
    """Delete a style of the user's own; raises `PlanError` where it is none of those, `WriteError`."""
    path = user_folder() / f"{name}{SUFFIX}"
    if not _NAME.fullmatch(name) or not path.is_file():
        why = "came with the package and stays" if name in named() else "is not there"
        raise PlanError(f"The style {name} {why}.", remedy="see `vasari styles list` for your own")
    try:
        path.unlink()
    except OSError as error:
        raise WriteError(f"{path} cannot be removed: {error.strerror or error}.", remedy="check its folder") from error
    return path
