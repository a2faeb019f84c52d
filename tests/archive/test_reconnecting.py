"""A database server that is started anew in the middle of work: waited for where safe, told where not, nothing lost."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import create_engine, select, text

from vasari.archive.databases import engine_of
from vasari.archive.indexing import index
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.reconnecting import persistent
from vasari.archive.schema import FEATURES, FILES
from vasari.archive.store import Archive
from vasari.foundation.errors import UnreachableError, VasariError, WriteError


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Callable[..., None]]]:
    """The address of a server of this test's own, and what stops and starts it as a crash would."""
    import tempfile

    import pgserver

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data")

        one_at_a_time = threading.Lock()
        options = shlex.join(shlex.split((server.pgdata / "postmaster.opts").read_text())[1:])

        def control(what: str = "restart") -> None:
            how = ["-o", options, "-l", str(server.pgdata / "log")] if what == "start" else ["-m", "immediate"]
            with one_at_a_time:
                pgserver.pg_ctl(["-w", *how, what], pgdata=server.pgdata, user=server.system_user, timeout=60)

        try:
            yield server.get_uri(), control
        finally:
            server.cleanup()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of 120 small pictures, no two alike."""
    folder = tmp_path / "album"
    folder.mkdir()
    draw = np.random.default_rng(4)
    for number in range(120):
        Image.fromarray(draw.integers(0, 256, (24, 32, 3), np.uint8)).save(folder / f"{number:03}.png")
    return folder


def test_steps_that_may_be_done_twice_are_begun_anew() -> None:
    tries = []

    def step() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise UnreachableError("It is away.", remedy="wait")
        return "done"

    assert persistent(step) == "done"
    assert len(tries) == 3
    with pytest.raises(UnreachableError):
        persistent(lambda: (_ for _ in ()).throw(UnreachableError("It stays away.", remedy="wait")), patience_s=0.2)

    def refused() -> None:
        tries.append(1)
        raise WriteError("The disk is full.", remedy="free some space")

    with pytest.raises(WriteError):
        persistent(refused)
    assert len(tries) == 4


def test_a_connection_of_before_a_restart_is_made_anew(archive: Archive) -> None:
    """The server lets every connection of ours go, as a restart does; the next use of the pool does not notice."""
    if archive.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server")
    with archive.reading() as connection:
        connection.execute(select(FILES.c.id)).all()
    other = create_engine(archive.engine.url, isolation_level="AUTOCOMMIT")
    end_ours = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    with other.connect() as connection:
        assert connection.execute(end_ours).all()
    other.dispose()
    with archive.reading() as connection:
        assert connection.execute(select(FILES.c.id)).all() == []
        other = create_engine(archive.engine.url, isolation_level="AUTOCOMMIT")
        with other.connect() as second:
            second.execute(end_ours)
        other.dispose()
        with pytest.raises(Exception, match=r"terminat|closed") as told:
            connection.execute(select(FILES.c.id)).all()
        assert told.value.connection_invalidated


def test_a_server_that_is_not_there_is_away_and_a_wrong_name_is_not(archive: Archive, tmp_path: Path) -> None:
    if archive.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server")
    nobody = f"postgresql://nobody@/nothing?host={tmp_path}"
    with pytest.raises(UnreachableError, match="away"):
        Archive.started(tmp_path / "one", nobody)
    wrong = archive.engine.url.set(drivername="postgresql", database="no_such_database")
    with pytest.raises(WriteError) as told:
        Archive.started(tmp_path / "two", wrong.render_as_string(hide_password=False))
    assert not isinstance(told.value, UnreachableError)
    assert engine_of(nobody).pool.size() == 5


@pytest.mark.slow
def test_an_index_goes_on_over_restarts_of_the_server(
    own_server: tuple[str, Callable[..., None]], album: Path, tmp_path: Path
) -> None:
    url, control = own_server
    with Archive.create(tmp_path / "archive", url) as archive:
        add(archive, [str(album)], AddPlan())
        restarts = []

        def watch(done: int, total: int, path: str, error: VasariError | None) -> None:
            if done in (20, 50, 90):
                restarts.append(threading.Thread(target=control))
                restarts[-1].start()

        found = index(archive, ["color", "edges"], watch=watch)
        for one in restarts:
            one.join()
        assert len(restarts) == 3
        assert (found.measured, found.failures) == (120, [])
        after = _vectors(archive)
    with Archive.create(tmp_path / "undisturbed") as other:
        add(other, [str(album)], AddPlan())
        index(other, ["color", "edges"])
        assert after == _vectors(other)
        assert len(after) == 240


@pytest.mark.slow
def test_an_add_that_lost_its_server_is_told_and_goes_on_when_run_again(
    own_server: tuple[str, Callable[..., None]], album: Path, tmp_path: Path
) -> None:
    url, control = own_server
    with Archive.create(tmp_path / "archive", url) as archive:
        seen: list[str] = []

        def watch(path: str, what: str) -> None:
            seen.append(path)
            if len(seen) == 1:
                control("stop")

        with pytest.raises(WriteError):
            while True:  # the first batch may be the only one
                add(archive, [str(album)], AddPlan(), watch)
                for path in album.iterdir():
                    path.touch()
        control("start")
        add(archive, [str(album)], AddPlan())
        with archive.reading() as connection:
            paths = connection.execute(select(FILES.c.path)).scalars().all()
        assert sorted(paths) == sorted(str(one) for one in album.iterdir())
        archive.journal.agree_with(int(archive.fact("journal")))


def _vectors(archive: Archive) -> dict[tuple[str, str], bytes]:
    """Every vector by the picture's content and its name."""
    with archive.reading() as connection:
        rows = connection.execute(select(FEATURES)).mappings()
        return {(row["content"], row["name"]): bytes(row["vector"]) for row in rows}
