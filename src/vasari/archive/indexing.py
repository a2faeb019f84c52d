"""Measure the pictures of an archive, and keep what was measured: only what is missing, in steps that are kept whole.

A picture that cannot be measured is noted with an empty vector, so that it is tried again only when that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from vasari.archive.feature_tables import pictures
from vasari.archive.reconnecting import persistent
from vasari.archive.schema import FACTS, FEATURES, FILES
from vasari.archive.store import Archive
from vasari.archive.writer import Row
from vasari.foundation.errors import PictureError, VasariError, WeightsError
from vasari.foundation.execute import Executor

if TYPE_CHECKING:
    from vasari.archive.features.coding import Coder
    from vasari.archive.features.measuring import Measures

#: Pictures looked up at a time, and pictures whose vectors are kept in one transaction.
_AHEAD, _AT_ONCE = 256, 32

#: Told of every picture: how many are dealt with, of how many, its path, and what went wrong if anything did.
Watch = Callable[[int, int, str, VasariError | None], None]


@dataclass
class Indexed:
    """How many pictures were measured, and which were not, with the reason."""

    measured: int = 0
    failures: list[tuple[str, VasariError]] = field(default_factory=list)


@dataclass(frozen=True)
class _Lacking:
    """A picture and the features that it lacks."""

    content: str
    path: Path
    page: int
    bytes: int
    modified_ns: int | None  # None for a copy in the archive: it has a time of its own
    names: tuple[str, ...]


def index(
    archive: Archive,
    names: Sequence[str] | None = None,
    *,
    jobs: int = 1,
    device: str = "auto",
    again: bool = False,
    watch: Watch | None = None,
    executor: Executor | None = None,
) -> Indexed:
    """Measure what is missing of the features `names` (None: all) of the picture of each work.

    `jobs` threads of this process measure, or the workers of an `executor`, which must see the pictures under the
    same paths; vectors are kept from here alone. `again` also tries pictures that could not be measured before. What
    was measured is kept every few pictures: a run that ends early goes on where it was, and a server of the database
    that is started anew meanwhile is waited for. Raises `PlanError` for unknown
    names, `WeightsError` without the encoder.
    """
    from vasari.archive.features.coding import Coder
    from vasari.archive.features.table import chosen, needs_encoder, version_of

    wanted = chosen(tuple(names) if names else None)
    coder = Coder.of(device=device) if needs_encoder(wanted) else None
    versions = {name: version_of(name, coder) for name in wanted}
    done = Indexed()
    total = persistent(lambda: _count(archive, versions, again))
    steps = _steps(archive, versions, again) if total else iter(())
    found: Generator[_Found, None, None]
    if executor is None:
        found = (one for step in steps for one in _measured(step, coder, jobs))
    else:
        found = executor.map(_MeasurePictures(versions, device), (one for step in steps for one in step))
    with closing(found):
        _measure(archive, found, versions, done, total, watch)
    return done


def count_lacking(connection: Connection, versions: dict[str, str], again: bool = False) -> int:
    """How many pictures lack one of these features."""
    chosen = pictures()
    query = select(func.count(FILES.c.content.distinct())).join(chosen, chosen.c.file_id == FILES.c.id)
    return int(connection.execute(query.where(_lacks(versions, again))).scalar_one())


def _lacks(versions: dict[str, str], again: bool) -> ColumnElement[bool]:
    return or_(*(~_has(name, version, again) for name, version in versions.items()))


def _has(name: str, version: str, again: bool) -> ColumnElement[bool]:
    same = and_(FEATURES.c.content == FILES.c.content, FEATURES.c.name == name, FEATURES.c.version == version)
    return exists().where(and_(same, func.length(FEATURES.c.vector) > 0) if again else same)


def _lacking(connection: Connection, folder: Path, versions: dict[str, str], again: bool, after: str) -> list[_Lacking]:
    """The next pictures that lack something, in the order of their hashes."""
    chosen = pictures()
    first = (
        select(FILES.c.content, func.min(FILES.c.id).label("id"))
        .join(chosen, chosen.c.file_id == FILES.c.id)
        .where(FILES.c.content > after, _lacks(versions, again))
        .group_by(FILES.c.content)
        .order_by(FILES.c.content)
        .limit(_AHEAD)
        .subquery()
    )
    has = [_has(name, version, again).label(name) for name, version in versions.items()]
    rows = connection.execute(select(FILES, *has).join(first, first.c.id == FILES.c.id).order_by(FILES.c.content))
    return [
        _Lacking(
            row["content"],
            folder / row["path"],
            row["page"],
            row["bytes"],
            None if row["copied"] else row["modified_ns"],
            tuple(name for name in versions if not row[name]),
        )
        for row in rows.mappings()
    ]


def _steps(archive: Archive, versions: dict[str, str], again: bool) -> Iterator[list[_Lacking]]:
    """All pictures that lack something, a few hundred looked up at a time."""
    after = ""
    while True:
        step = persistent(partial(_looked_up, archive, versions, again, after))
        if not step:
            return
        after = step[-1].content
        yield step


def _looked_up(archive: Archive, versions: dict[str, str], again: bool, after: str) -> list[_Lacking]:
    with archive.reading() as connection:
        return _lacking(connection, archive.folder.absolute(), versions, again, after)


def _count(archive: Archive, versions: dict[str, str], again: bool) -> int:
    with archive.reading() as connection:
        return count_lacking(connection, versions, again)


_Found = tuple[_Lacking, "Measures | None", VasariError | None]


def _measure(
    archive: Archive,
    pictures: Iterable[_Found],
    versions: dict[str, str],
    done: Indexed,
    total: int,
    watch: Watch | None,
) -> None:
    rows: list[Row] = []
    for count, (one, found, error) in enumerate(pictures, start=1):
        if error is None:
            done.measured += 1
        else:
            done.failures.append((str(one.path), error))
        rows += _rows(one, found, versions)
        if count % _AT_ONCE == 0:
            persistent(partial(_keep, archive, rows))
            rows = []
        if watch is not None:
            watch(done.measured + len(done.failures), total, str(one.path), error)
    persistent(partial(_keep, archive, rows))


def _measured(step: list[_Lacking], coder: Coder | None, jobs: int) -> Iterator[_Found]:
    """Each picture with what was measured (None where its file is not what was added), and its first failure."""
    from vasari.archive.features.measuring import measure_all
    from vasari.archive.features.reduced import FilePage

    groups: dict[tuple[str, ...], list[_Lacking]] = defaultdict(list)
    for one in step:
        try:
            _check(one)
        except VasariError as error:
            yield one, None, error
        else:
            groups[one.names].append(one)
    for names, group in groups.items():
        sources = [FilePage(one.path, one.page) for one in group]
        for one, found in zip(group, measure_all(sources, names, coder, jobs=jobs)):
            yield one, found, next(iter(found.failures.values()), None)


@dataclass(frozen=True)
class _MeasurePictures:
    """The `foundation.execute.Assignment` of measuring: each picture that lacks something, by itself."""

    versions: dict[str, str]
    device: str

    def ready(self) -> Callable[[_Lacking], _Found]:
        """Load the encoder where it is needed; raises `WeightsError` where it measures in another way."""
        from vasari.archive.features.coding import Coder
        from vasari.archive.features.table import needs_encoder, version_of

        coder = Coder.of(device=self.device) if needs_encoder(tuple(self.versions)) else None
        other = [name for name, version in self.versions.items() if version_of(name, coder) != version]
        if other:
            raise WeightsError(
                f"A worker measures {', '.join(other)} in another way than this machine.",
                remedy="install the same Vasari and the same models on every machine",
            )
        return lambda one: next(_measured([one], coder, 1))

    def lost(self, item: _Lacking, error: VasariError) -> _Found:
        """The failure of a picture that took its worker down; with nothing kept of it, it is tried again."""
        return item, None, error


def _check(one: _Lacking) -> None:
    """Raise `PictureError` where the file is not what was added."""
    try:
        status = one.path.stat()
    except OSError as error:
        raise PictureError(
            f"{one.path} is not there: {error.strerror}.", remedy="bring it back, or run vasari archive add again"
        ) from error
    if status.st_size != one.bytes or one.modified_ns not in (None, status.st_mtime_ns):
        raise PictureError(f"{one.path} was changed since it was added.", remedy="run vasari archive add on it again")


def _rows(one: _Lacking, found: Measures | None, versions: dict[str, str]) -> list[Row]:
    """Rows of `features`: the vectors, and empty ones for what cannot be measured of these very bytes."""
    if found is None:
        return []
    vectors: dict[str, Any] = found.vectors
    return [
        {
            "content": one.content,
            "name": name,
            "version": versions[name],
            "vector": np.ascontiguousarray(vectors[name], "<f4").tobytes() if name in vectors else b"",
        }
        for name in one.names
    ]


def _keep(archive: Archive, rows: list[Row]) -> None:
    """Put rows into `features`, and count that up, so that what hangs on vectors is made anew; may be done twice."""
    if rows:
        with archive.writing() as writer:
            writer.put(FEATURES, rows)
            before = writer.connection.execute(select(FACTS.c.value).where(FACTS.c.name == "features")).scalar()
            writer.put_fact("features", str(int(before or 0) + 1))
