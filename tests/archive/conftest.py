"""Archives on both databases: SQLite in the folder, and PostgreSQL from a real server of the session's own."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from vasari.archive.events import note
from vasari.archive.schema import DERIVATIVES, FEATURES, FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.foundation.treatment import now


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the session; tests take `postgres_url`."""
    import pgserver

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:  # sockets need short paths
        server = pgserver.get_server(Path(folder) / "data")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")  # nothing of it need last
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database."""
    yield from _database(postgres_server)


@pytest.fixture
def second_postgres_url(postgres_server: str) -> Iterator[str]:
    """Another of the kind of `postgres_url`."""
    yield from _database(postgres_server)


def _database(server: str, template: str = "template1") -> Iterator[str]:
    address = make_url(server).set(drivername="postgresql+psycopg")
    name = f"vasari_{secrets.token_hex(6)}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive in `tmp_path / "archive"`, on each of the two databases."""
    yield from request.getfixturevalue(f"_{request.param}_copy")


@pytest.fixture
def sqlite_archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive in `tmp_path / "archive"`, on SQLite alone."""
    yield from _sqlite_copied(request.getfixturevalue("_sqlite_template"), tmp_path)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty archive that others are copied from: its migrations need not run for every test."""
    folder = tmp_path_factory.mktemp("template") / "archive"
    Archive.create(folder).close()
    return folder


@pytest.fixture
def _sqlite_copy(_sqlite_template: Path, tmp_path: Path) -> Iterator[Archive]:
    return _sqlite_copied(_sqlite_template, tmp_path)


def _sqlite_copied(template: Path, folder: Path) -> Iterator[Archive]:
    shutil.copytree(template, folder / "archive")
    with Archive.open(folder / "archive") as made:
        yield made


@pytest.fixture(scope="session")
def _postgresql_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same on PostgreSQL: the folder, and the name of its database."""
    folder = tmp_path_factory.mktemp("template") / "archive"
    url = next(_database(postgres_server))
    Archive.create(folder, url).close()
    return folder, str(make_url(url).database)


@pytest.fixture
def _postgresql_copy(
    postgres_server: str, _postgresql_template: tuple[Path, str], tmp_path: Path
) -> Iterator[Iterator[Archive]]:
    template, name = _postgresql_template
    databases = _database(postgres_server, template=name)
    url = next(databases)
    shutil.copytree(template, tmp_path / "archive")
    settings = tmp_path / "archive" / "archive.toml"
    settings.write_text(settings.read_text().replace(name, str(make_url(url).database)))

    def copied() -> Iterator[Archive]:
        with Archive.open(tmp_path / "archive") as made:
            yield made

    yield copied()
    next(databases, None)


@pytest.fixture(scope="session")
def fill() -> Callable[..., None]:
    """`fill(archive, works=12)`: rows in every table, with words of several alphabets, in a few transactions."""
    return _fill


def _fill(archive: Archive, works: int = 12) -> None:
    with archive.writing() as writer:
        ids = works_of(writer, [f"work-{number:04}" for number in range(works)])
        claims = {
            id: [
                Claim("title", f'Девочка с персиками «{key}» \n 桃 "quoted"'),
                Claim("artist", ("Monet, Claude", "Морисо", "葛飾北斎")[id % 3]),
                Claim("date", f"c. {1850 + id % 60}"),
                Claim("tag", "garden"),
                Claim("tag", f"number {id}"),
            ]
            for key, id in ids.items()
        }
        state(writer, claims, Speaker("catalog", "Tate"))
    with archive.writing() as writer:
        state(writer, {1: [Claim("title", "What I call it"), Claim("date", "1855 BC")]}, Speaker("person", "me"))
        state(writer, {2: [Claim("style", "Impressionism", 0.7)]}, Speaker("model", "style@0123"))
        state(writer, {3: [Claim("tag", "")]}, Speaker("catalog", "Tate"))
        writer.add(FILES, (_file(id) for id in range(1, works + 1)))
        treatment = {"operation": "restore", "plan": {"vividness": 0.3}, "notes": ["é", None, 1e-9]}
        row = {"content": "d" * 64, "source_content": "c" * 64, "operation": "restore", "path": "/derived/a.tif"}
        writer.add(DERIVATIVES, [{**row, "treatment": treatment, "added": now()}])
        writer.put(
            FEATURES,
            (
                {"content": f"{id:064x}", "name": "color", "version": "1", "vector": id.to_bytes(4, "little") * 8}
                for id in range(1, works + 1)
            ),
        )
        note(writer, "ingestion", "work-0001", detail={"by": "a test", "numbers": [1, 2.5]})


def _file(id: int) -> dict[str, object]:
    return {
        "work_id": id, "path": f"/scans/{id}.tif", "page": 0, "content": f"{id:064x}", "sha256": f"{id:064x}",
        "bytes": 5_000_000_000 + id, "modified_ns": 1_700_000_000_000_000_000 + id, "width": 10, "height": 20,
        "format": "TIFF", "depth": 16, "phash": -(1 << 63) + id, "copied": bool(id % 2), "state": "present",
        "added": now(), "checked": now(),
    }  # fmt: skip
