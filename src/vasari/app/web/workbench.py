"""What the pages work with: the archive, the jobs, the accounts, the settings; and who asks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from vasari.app.settings import Settings
from vasari.archive.store import Archive
from vasari.archive.workbench.accounts import Accounts
from vasari.archive.workbench.audit import Audit
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.queue import Queue
from vasari.archive.workbench.roles import Role
from vasari.archive.workbench.sessions import Sessions
from vasari.archive.workbench.tokens import Tokens
from vasari.foundation.errors import WriteError

LOG = logging.getLogger("vasari.web")
FOLDER = "workbench"


@dataclass(frozen=True, eq=False)
class Workbench:
    """An open workbench. `folder` holds what was sent in, previews and caches; `close()` it at the end."""

    archive: Archive
    database: WorkbenchDatabase
    jobs: Queue
    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    audit: Audit
    settings: Settings
    folder: Path

    @classmethod
    def open(cls, folder: Path, settings: Settings) -> Workbench:
        """The workbench of an archive's folder, its tables made or brought up to date.

        Raises `ArchiveError` where there is no archive, `WriteError` where its folder cannot be written.
        """
        archive = Archive.open(folder)
        own = archive.folder / FOLDER
        try:
            own.mkdir(mode=0o700, exist_ok=True)
            database = WorkbenchDatabase.open(archive)
        except OSError as error:
            archive.close()
            remedy = "choose an archive whose folder you may write to"
            raise WriteError(f"{own} could not be made: {error.strerror}.", remedy=remedy) from error
        except BaseException:
            archive.close()
            raise
        sessions = Sessions(database, settings.session_idle_hours * 3600, settings.session_days * 86400)
        return cls(
            archive=archive,
            database=database,
            jobs=Queue(database),
            accounts=Accounts(database),
            sessions=sessions,
            tokens=Tokens(database),
            audit=Audit(database),
            settings=settings,
            folder=own,
        )

    def close(self) -> None:
        """Let both databases go."""
        self.database.close()
        self.archive.close()


@dataclass(frozen=True)
class Visitor:
    """Who asks: an account, the one person of this machine, or a stranger (role PUBLIC, no name).

    `session` is the secret of the cookie; `csrf` is made of it and goes into forms. `token` is true for a program
    that shows a bearer token, and needs no CSRF token. `theme` is auto, light or dark.
    """

    name: str
    role: Role
    language: str
    csrf: str
    session: str
    theme: str = "auto"
    token: bool = False
    is_new: bool = False


def workbench_of(request: Request) -> Workbench:
    """The workbench that the application serves."""
    return request.app.state.workbench


def visitor_of(request: Request) -> Visitor:
    """Who asks; set by the guard of the route before the endpoint is called."""
    return request.state.visitor


async def _bench(request: Request) -> Workbench:
    return workbench_of(request)


async def _visitor(request: Request) -> Visitor:
    return visitor_of(request)


#: Parameters of endpoints: `def page(request: Request, bench: Bench, visitor: Who)`.
Bench = Annotated[Workbench, Depends(_bench)]
Who = Annotated[Visitor, Depends(_visitor)]
