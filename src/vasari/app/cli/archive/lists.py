"""`vasari archive list`, `search` and `facets`: find works."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ArchiveError, ExitCode, PlanError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vasari.archive.queries.nodes import Query
    from vasari.archive.search.listing import Work

Asked = Annotated[str, Parameter(help="such as \"artist='Monet' and 1885/1895\"; docs/search.md has the language")]
_WIDTHS = (28, 24, 44)
_DATE_WIDTH = 32


def list_works(
    query: Asked = "",
    *,
    archive: ArchiveFolder = None,
    sort: Annotated[str, Parameter(help="key, title, artist, date or added")] = "key",
    limit: Annotated[int, Parameter(help="works a page, 1..1000")] = 50,
    cursor: Annotated[str | None, Parameter(help="where the page begins: what the page before told")] = None,
    json: JSON = False,
) -> int:
    """The works that a query means, page by page; without one, all that Vasari did not make itself."""
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.query import parsed

        _page(connection, parsed(query), sort, limit, cursor, json)
    return ExitCode.DONE


def search(
    *words: Annotated[str, Parameter(help="words that titles, artists, styles, notes ... hold; paint* for any ending")],
    archive: ArchiveFolder = None,
    similar: Annotated[str | None, Parameter(help="a work (key, path or hash), or any picture file")] = None,
    by: Annotated[str, Parameter(help="like in what: overall, palette or texture")] = "overall",
    query: Annotated[str, Parameter(help="only among the works that this query means")] = "",
    limit: Annotated[int, Parameter(help="works to show, 1..1000")] = 20,
    cursor: Annotated[str | None, Parameter(help="of words: where the page begins")] = None,
    json: JSON = False,
) -> int:
    """Find works by words, or by their likeness to a picture."""
    if bool(words) == (similar is not None):
        raise PlanError(
            "Either words or --similar say what to find.", remedy="write vasari archive search WORDS, or --similar KEY"
        )
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.queries.nodes import Query, Words, both, every
        from vasari.archive.query import parsed
        from vasari.archive.terms import words_of

        among = parsed(query)
        if similar is not None:
            _alike(connection, opened.folder, similar, by, among, limit, json)
        else:
            if not all(words_of(word) for word in words):
                raise PlanError("Here is no word to search for.", remedy="give at least one letter or digit")
            wanted = Query(every([Words(word) for word in words]))
            _page(connection, both(wanted, among), "key", limit, cursor, json)
    return ExitCode.DONE


def facets(
    query: Asked = "",
    *,
    archive: ArchiveFolder = None,
    fields: Annotated[
        tuple[str, ...], Parameter(help="which: artist decade medium style place ...", consume_multiple=True)
    ] = (),
    limit: Annotated[int, Parameter(help="values of each field, the most frequent first")] = 10,
    json: JSON = False,
) -> int:
    """How many works of a query have which artist, decade, medium, style and so on."""
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.query import parsed
        from vasari.archive.search.facets import FACETS
        from vasari.archive.search.facets import facets as count

        found = count(connection, opened.folder, parsed(query), fields or FACETS, limit)
    if json:
        values = {field: [vars(one) for one in counts] for field, counts in found.items()}
        print(json_text.dumps(values, ensure_ascii=True))
        return ExitCode.DONE
    for field, counts in found.items():
        if counts:
            print(field)
            for one in counts:
                print(printable(f"  {one.works:8}  {_cut(one.value, 60)}"))
    return ExitCode.DONE


def _page(connection: Connection, query: Query, sort: str, limit: int, cursor: str | None, json: bool) -> None:
    from vasari.archive.search.listing import count_works
    from vasari.archive.search.listing import list_works as page_of

    page = page_of(connection, query, sort=sort, limit=limit, cursor=cursor)
    total = count_works(connection, query)
    if json:
        told: dict[str, Any] = {"query": str(query), "total": total, "cursor": page.cursor}
        print(json_text.dumps(told | {"works": [work.values() for work in page.works]}, ensure_ascii=True))
        return
    for work in page.works:
        print(printable(_line(work)))
    print(counted(total, "work") + (f"; the next page: --cursor {page.cursor}" if page.cursor else ""))


def _alike(
    connection: Connection, folder: Path, similar: str, by: str, among: Query, limit: int, json: bool
) -> None:  # fmt: skip
    from vasari.archive.search.listing import works_by_id
    from vasari.archive.search.similar import like_picture, like_work

    query = among if among.root is not None else None
    key = _key(connection, similar)
    if key is None:
        hits = like_picture(connection, folder, similar, by=by, limit=limit, query=query)
    else:
        hits = like_work(connection, folder, key, by=by, limit=limit, query=query)
    works = {work.id: work for work in works_by_id(connection, [hit.work_id for hit in hits])}
    found = [(works[hit.work_id], hit.distance) for hit in hits if hit.work_id in works]
    if json:
        rows = [work.values() | {"distance": distance} for work, distance in found]
        print(json_text.dumps({"similar": similar, "by": by, "works": rows}, ensure_ascii=True))
        return
    for work, distance in found:
        print(printable(f"{distance:7.4f}  {_line(work)}"))


def _key(connection: Connection, similar: str) -> str | None:
    """The key of the work that is meant, None for a picture file outside the archive; raises `ArchiveError`."""
    from vasari.archive.ingest.person import find_work

    try:
        return str(find_work(connection, similar, str(Path(similar).absolute()))["key"])
    except ArchiveError:
        if not Path(similar).is_file():
            raise
        return None


def _line(work: Work) -> str:
    cells: Sequence[str] = (work.key, work.artist, work.title or Path(work.picture).name)
    shown = "  ".join(f"{_cut(cell, width):{width}}" for cell, width in zip(cells, _WIDTHS))
    return f"{shown}  {_cut(work.date, _DATE_WIDTH)}".rstrip()


def _cut(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
