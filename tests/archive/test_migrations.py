"""The migrations make exactly the tables of the schema, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from vasari.archive.databases import newest_revision, revision_of
from vasari.archive.schema import METADATA
from vasari.archive.store import Archive


def test_the_migrations_end_at_the_schema(archive: Archive) -> None:
    with archive.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        assert revision_of(connection) == newest_revision()


def test_the_comparison_would_see_a_difference(archive: Archive) -> None:
    with archive.engine.connect().execution_options(writes=True) as connection:
        connection.execute(text("DROP INDEX ix_files_phash"))
        assert compare_metadata(MigrationContext.configure(connection), METADATA)


def test_names_of_constraints_are_the_same_on_both(archive: Archive, tmp_path) -> None:
    """A later migration drops a constraint by its name: it must be the one of the schema."""
    from sqlalchemy import inspect

    plain = create_engine(f"sqlite:///{tmp_path / 'plain.sqlite'}")
    METADATA.create_all(plain)
    for table in METADATA.tables:
        ours, schema = inspect(archive.engine), inspect(plain)
        assert ours.get_pk_constraint(table)["name"] == schema.get_pk_constraint(table)["name"]
        for both in ("get_unique_constraints", "get_foreign_keys"):
            names = [{one["name"] for one in getattr(side, both)(table)} for side in (ours, schema)]
            assert names[0] == names[1], (table, both)
