"""From sources to a set of decoded pictures and a report of what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.data.cache import Cached, cached
from vasari.tasks.data.entries import Entry
from vasari.tasks.data.picture_set import PictureSet, Place
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.data.report import DataReport, duplicates_of, label_counts
from vasari.tasks.data.sources import KINDS, list_source, names_of

NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Listed:
    """The entries of all sources that are wanted, and what was left out of them."""

    sources: tuple[str, ...]
    entries: tuple[Entry, ...]
    excluded: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def gather(sources: Sequence[str | Path], plan: PicturesPlan) -> PictureSet:
    """Read all pictures of the sources, decoded once into the cache; see `docs/data.md`.

    A picture that cannot be decoded is named in the report and passed over. Raises `TrainingError` where
    none is left, `PlanError` for a source that does not exist, `WriteError` where the cache cannot be kept.
    """
    listed = list_all(sources, plan)
    return decode_all(listed, spread(listed.entries, plan.limit), plan)


def list_all(sources: Sequence[str | Path], plan: PicturesPlan) -> Listed:
    """The pictures of the sources that are not excluded, none decoded; raises as `gather` does."""
    if not sources:
        raise PlanError("No pictures were named.", remedy=f"name {KINDS} with --data")
    names = names_of(sources)
    listings = [list_source(source, name, plan.label_column) for source, name in zip(sources, names, strict=True)]
    entries = [entry for listing in listings for entry in listing.entries]
    wanted = _without_excluded(entries, plan.exclude)
    left_out = sum((listing.left_out for listing in listings), Counter[str]())
    called = tuple(str(one) for one in sources)
    if entries and not wanted:
        raise TrainingError(
            f"All {len(entries)} pictures of {', '.join(called)} are excluded.",
            remedy="shorten the list that the option exclude names",
        )
    if not entries:
        others = f" ({left_out.total()} other files)" if left_out else ""
        raise TrainingError(
            f"No picture was found in {', '.join(called)}{others}.", remedy="name folders of pictures with --data"
        )
    return Listed(called, tuple(wanted), len(entries) - len(wanted), dict(left_out.most_common()))


def decode_all(listed: Listed, chosen: Sequence[Entry], plan: PicturesPlan) -> PictureSet:
    """The set of the `chosen` entries of `listed`, with its report; raises as `gather` does."""
    cache = cached(chosen, plan)
    if not cache.kept:
        reasons = "; ".join(f"{chosen[at].name}: {reason}" for at, reason in cache.broken[:NAMED_AT_MOST])
        raise TrainingError(
            f"None of {len(chosen)} pictures could be decoded ({reasons}).",
            remedy="name pictures that open in a viewer",
        )
    places = [Place(one.offset, one.rows, one.columns) for one in cache.kept]
    found = [chosen[one.entry] for one in cache.kept]
    report = _report(cache, listed, chosen, plan)
    return PictureSet(cache.pixels, places, [one.name for one in found], [one.label for one in found], report)


def spread(entries: Sequence[Entry], limit: int) -> list[Entry]:
    """At most `limit` entries at even distances, so that every folder keeps its share; 0 for all."""
    if not limit or limit >= len(entries):
        return list(entries)
    return [entries[at * len(entries) // limit] for at in range(limit)]


def _report(cache: Cached, listed: Listed, chosen: Sequence[Entry], plan: PicturesPlan) -> DataReport:
    """The report of a cache that holds at least one picture."""
    by_area = sorted(((one.width, one.height) for one in cache.kept), key=lambda size: (size[0] * size[1], size))
    found = [chosen[one.entry] for one in cache.kept]
    return DataReport(
        sources=listed.sources,
        pictures=len(cache.kept),
        grey=sum(one.is_grey for one in cache.kept),
        px=plan.px,
        color=plan.color,
        smallest=by_area[0],
        median=by_area[len(by_area) // 2],
        largest=by_area[-1],
        enlarged=sum(min(one.width, one.height) < plan.px for one in cache.kept),
        decoded_bytes=cache.size,
        cache=str(cache.pixels),
        broken=tuple((chosen[at].name, reason) for at, reason in cache.broken),
        duplicates=duplicates_of([one.name for one in found], [one.sha256 for one in cache.kept]),
        labels=label_counts([one.label for one in found]),
        left_out=listed.left_out,
        excluded=listed.excluded,
        beyond_limit=len(listed.entries) - len(chosen),
    )


def _without_excluded(entries: Sequence[Entry], exclude: str) -> list[Entry]:
    """The entries whose file name, place in their source, or full name is not in the text file `exclude`."""
    if not exclude:
        return list(entries)
    try:
        lines = Path(exclude).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(
            f"exclude={exclude} cannot be read: {error}.", remedy="name a text file with a name a line"
        ) from error
    names = {line.strip() for line in lines if line.strip()}
    return [one for one in entries if not names & {one.name, one.place, one.place.rpartition("/")[2]}]
