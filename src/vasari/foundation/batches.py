"""A batch of files: which pictures are meant, and the name each result gets below the output folder.

Pure looking and naming; nothing is opened or written. The ledger (`ledgers.py`) remembers what was done.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vasari.foundation.bucket_addresses import looks_like_address
from vasari.foundation.errors import PlanError

# Endings that Vasari itself gives to what it writes beside a result.
DAMAGE_ENDING = ".damage.png"
CHANGE_ENDING = ".change.png"
CONFIDENCE_ENDING = ".confidence.png"
# Further results beside the first, from the second on; the result's suffix follows.
SAMPLE_ENDING = ".sample-{}"
RECORD_ENDING = ".treatment.json"
# What an output folder holds beside the results: the ledger, and a folder of its own.
LEDGER_NAME = "ledger.jsonl"
INNER_NAME = ".vasari"

# By these endings a folder is searched; `image_formats.SUFFIXES` says the same, but needs torch to be read.
PICTURE_SUFFIXES = frozenset({".tif", ".tiff", ".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".hif"})

_OWN_STEM = re.compile(r"^(?P<base>.+)\.(damage|change|confidence|treatment|sample-\d|page-\d+)$", re.IGNORECASE)
_BESIDE = re.compile(r"^(?P<base>.+)\.((damage|change|confidence)\.png|sample-\d\.[^.]+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A file to work on: its absolute `path`, and `relative`, its place below the root it was found under."""

    path: Path
    relative: PurePosixPath

    @property
    def stem(self) -> PurePosixPath:
        """`relative` without its suffix."""
        return self.relative.with_suffix("")


def discover(
    inputs: Sequence[str | Path], output: Path, suffixes: Set[str], ignore: Set[Path] = frozenset()
) -> list[Source]:
    """The files that `inputs` (files, folders, globs) mean, in a fixed order, each once.

    Folders are searched recursively for `suffixes` (lower case, with the dot); what lies in `output`, in
    `ignore` (known results) or is hidden is left out. Files that are named are taken whatever their suffix.
    Raises `PlanError` where an input does not exist, matches nothing, or is the output folder itself.
    """
    output = output.resolve()
    found: dict[Path, Source] = {}
    for one in inputs:
        for source in _expand(str(one), output, suffixes):
            if source.path not in ignore:
                found.setdefault(source.path, source)
    if not found:
        listed = " ".join(str(one) for one in inputs)
        raise PlanError(
            f"There is no picture to work on in: {listed or '(nothing)'}.",
            remedy=f"name files, folders or globs with pictures ({', '.join(sorted(suffixes))})",
        )
    return sorted(found.values(), key=lambda source: (source.relative, source.path))


def _expand(text: str, output: Path, suffixes: Set[str]) -> Iterable[Source]:
    path = Path(text).expanduser()
    if path.is_dir():
        return _search(path.resolve(), output, suffixes)
    if path.exists() and not path.is_file():
        raise PlanError(f"{text} is neither a file nor a folder (a pipe or a device).", remedy="name picture files")
    if path.exists():
        return [_named(path, path.parent)]
    if looks_like_address(path):
        raise PlanError(
            f"{text} is an address, and sources are read from a file system.", remedy="mount it, or copy them before"
        )
    if glob.has_magic(text):
        return _match(text, output, suffixes)
    raise PlanError(f"There is no file or folder {text}.", remedy="check the spelling, or quote the glob")


def _named(path: Path, root: Path) -> Source:
    # The name as given, the folder resolved: a link to a scan keeps the link's name.
    absolute = path.parent.resolve() / path.name
    return Source(absolute, PurePosixPath(absolute.relative_to(root.resolve())))


def _match(pattern: str, output: Path, suffixes: Set[str]) -> Iterable[Source]:
    plain = Path(pattern).expanduser().parts
    magic = next(index for index, part in enumerate(plain) if glob.has_magic(part))
    root = Path(*plain[:magic]) if magic else Path()
    matches = [Path(one) for one in sorted(glob.glob(str(Path(*plain)), recursive=True))]  # noqa: PTH207 - not below one folder
    if not matches:
        raise PlanError(f"Nothing matches {pattern}.", remedy="check the pattern, or quote it")
    taken = []
    for path in matches:
        if path.is_dir():
            if "**" not in pattern:
                taken += [
                    Source(one.path, PurePosixPath(_named(path, root).relative / one.relative))
                    for one in _search(path.resolve(), output, suffixes)
                ]
        elif path.suffix.lower() in suffixes and not _is_inside(path.resolve(), output):
            taken.append(_named(path, root))
    return taken


def _search(root: Path, output: Path, suffixes: Set[str]) -> Iterable[Source]:
    if root == output:
        raise PlanError(
            f"{root} is both the input and the output folder: results would stand among the masters.",
            remedy=f"choose another output folder, such as -o {root / 'restored'}",
        )
    sources = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            one
            for one in folders
            if not one.startswith(".") and (here / one).resolve() != output and not _holds_results(here / one)
        )
        names = {one.lower() for one in files}
        sources += [
            _named(here / one, root)
            for one in sorted(files)
            if Path(one).suffix.lower() in suffixes
            and not one.startswith(".")
            and not _is_map(one, names)
            # Opening a pipe would wait for ever; a dangling link is kept, and told of as a failure.
            and ((here / one).is_file() or not (here / one).exists())
        ]
    return sources


def _is_map(name: str, names: Set[str]) -> bool:
    """True for a map or a further result of an earlier treatment: its record lies beside it."""
    match = _BESIDE.match(name.lower())
    return match is not None and match["base"] + RECORD_ENDING in names


def _holds_results(folder: Path) -> bool:
    """True for the output folder of an earlier batch: its results are no scans, unless it is named itself."""
    return (folder / LEDGER_NAME).is_file() and (folder / INNER_NAME).is_dir()


def _is_inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def name_results(sources: Sequence[Source], claims: Mapping[Path, str]) -> dict[Path, str]:
    """Source path -> stem of its result, relative to the output folder, no two alike (case ignored).

    A stem is the source's own place; where two sources share one (`a.tif` and `a.jpg`, or `x/1.tif` and
    `y/1.tif` given as files) each gets its suffix appended (`a-tif`), and where that is not enough eight
    digits of the hash of its path. `claims` (source path -> stem, from the ledger) are kept for ever, so
    that the names depend neither on the order of a batch nor on what is added to it later.
    """
    owners = {stem.lower(): path for path, stem in claims.items()}
    groups = Counter(str(source.stem).lower() for source in sources)
    names: dict[Path, str] = {}
    second = []
    for source in sources:
        stem = str(source.stem)
        owned = owners.get(stem.lower(), source.path) != source.path
        if groups[stem.lower()] > 1 or owned or _shadows(stem.lower(), groups):
            second.append(source)
        else:
            names[source.path] = stem
    owners |= {stem.lower(): path for path, stem in names.items()}
    groups = Counter(_with_suffix(source).lower() for source in second)
    for source in second:
        stem = _with_suffix(source)
        if groups[stem.lower()] > 1 or owners.get(stem.lower(), source.path) != source.path:
            stem = (
                f"{source.stem}-{hashlib.sha256(str(source.path).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
            )
        names[source.path] = stem
    return names | {source.path: claims[source.path] for source in sources if source.path in claims}


def _with_suffix(source: Source) -> str:
    suffix = source.relative.suffix.lower().lstrip(".")
    return f"{source.stem}-{suffix}" if suffix else f"{source.stem}-file"


def _shadows(stem: str, stems: Mapping[str, int]) -> bool:
    """True where this stem is what Vasari would call a map, record or page of another source."""
    match = _OWN_STEM.match(stem)
    return bool(match) and match.group("base") in stems  # type: ignore[union-attr]


def page_stem(stem: str, page: int, pages: int) -> str:
    """The stem of one page's result: `NAME`, or `NAME.page-001` counted from 1 where a file has several."""
    return stem if pages == 1 else f"{stem}.page-{page + 1:03d}"


def refuse_masters(targets: Iterable[Path], sources: Iterable[Source]) -> None:
    """Raise `PlanError` where a result would be written onto one of the inputs."""
    masters = {os.path.realpath(source.path) for source in sources}
    for target in targets:
        if os.path.realpath(target) in masters:
            raise PlanError(
                f"The result {target} would be written onto an input; masters are never overwritten.",
                remedy="choose another output folder with -o",
            )
