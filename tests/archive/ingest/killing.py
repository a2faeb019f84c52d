"""Adds pictures in child processes that are killed at one instant after another; run by `test_kill.py`.

    python killing.py PICTURES ARCHIVES KILLS

After each kill the archive is looked at: nothing may be half visible, doubled or lost. Prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import select

from vasari.archive.ingest import adding
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.schema import EVENTS, FILES, ORIGINS, WORKS
from vasari.archive.store import Archive

adding.BATCH_FILES = 3


def add(pictures: Path, folder: Path) -> None:
    """Runs until it is done, or killed."""
    with Archive.open(folder) as archive:
        adding.add(archive, [str(pictures)], AddPlan(copy=True, workers=2))


def child(pictures: Path, folder: Path) -> int:
    """The process id of a child that adds."""
    pid = os.fork()
    if pid == 0:
        try:
            add(pictures, folder)
        except BaseException as error:
            print(f"the child failed: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return pid


def look(folder: Path, before: set[str]) -> set[str]:
    """What the archive holds after a kill: the hashes of its files; raises `AssertionError` for anything amiss."""
    with Archive.open(folder) as archive:
        with archive.writing():
            pass  # what the killed process left in the journal is dealt with as the next writer would
        with archive.reading() as connection:
            files = connection.execute(select(FILES.c.path, FILES.c.sha256, FILES.c.work_id)).all()
            works = set(connection.execute(select(WORKS.c.id)).scalars())
            ingested = list(connection.execute(select(EVENTS.c.object).where(EVENTS.c.type == "ingestion")).scalars())
            origins = list(connection.execute(select(ORIGINS.c.sha256)).scalars())
        for path, sha256, _ in files:
            data = (folder / path).read_bytes()
            assert hashlib.sha256(data).hexdigest() == sha256, f"{path} is not whole"
        journaled = sum(len(change.rows) for _, _, made in archive.journal.entries() for change in made
                        if change.table == "events")  # fmt: skip
    hashes = [sha256 for _, sha256, _ in files]
    assert len(set(hashes)) == len(hashes) == len(works) == len(ingested) == len(origins), "doubled or half"
    assert {work for _, _, work in files} == works, "a work without its file"
    assert journaled == len(ingested), "journal and database disagree"
    for master in (folder / "masters").glob("??/??/*"):
        assert hashlib.sha256(master.read_bytes()).hexdigest() == master.stem, f"{master} is half"
    assert before <= set(hashes), "something is lost"
    return set(hashes)


def main() -> None:
    """Kill, look, go on; when an archive is full, begin a new one."""
    pictures, archives, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    every = {hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures.iterdir()}
    instants = random.Random(6)
    Archive.create(archives / "whole").close()
    began = time.monotonic()
    os.waitpid(child(pictures, archives / "whole"), 0)
    seconds = time.monotonic() - began
    assert look(archives / "whole", set()) == every, "the first run is not whole"
    struck = made = 0
    folder, held = archives / "0", set()
    Archive.create(folder).close()
    while struck < kills:
        pid = child(pictures, folder)
        time.sleep(instants.uniform(0, seconds * 0.6))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        struck += os.WIFSIGNALED(status)
        held = look(folder, held)
        if held == every:
            made += 1
            folder, held = archives / str(made), set()
            Archive.create(folder).close()
    pid = child(pictures, folder)
    assert os.waitpid(pid, 0)[1] == 0, "it could not go on"
    assert look(folder, held) == every, "it is not whole in the end"
    print(json.dumps({"kills": struck, "archives": made + 1, "seconds": round(seconds, 2)}))


if __name__ == "__main__":
    main()
