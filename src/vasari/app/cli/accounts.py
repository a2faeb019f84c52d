"""`vasari accounts`: who may log in to a workbench. Passwords are asked for, never given as options."""

from __future__ import annotations

import getpass
import json as json_text
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, archive_extra, archive_folder
from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError

if TYPE_CHECKING:
    from vasari.archive.workbench.accounts import Account, Accounts

app = App(name="accounts", help="Keep the accounts of a workbench that others reach: add, list, change, remove.")

Name = Annotated[str, Parameter(help="the account's name")]
RoleWord = Annotated[str, Parameter(help="viewer (looks), editor (works) or admin (governs)")]
#: Who is written down in the audit for what the command line does.
BY = "command line"


@app.command
def add(name: Name, *, role: RoleWord = "viewer", archive: ArchiveFolder = None, json: JSON = False) -> int:
    """Make an account; its password is asked for, or read from standard input where that is no terminal."""
    with _accounts(archive) as accounts:
        from vasari.archive.workbench.accounts import checked_name, role_of

        wanted, checked = role_of(role), checked_name(name)
        account = accounts.add(checked, _new_password(checked), wanted, by=BY)
    return _told(account, f"{account.name} can log in now, as {account.role.word}.", json)


@app.command(name="list")
def list_accounts(*, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """The accounts with their roles."""
    with _accounts(archive) as accounts:
        found = accounts.list()
    if json:
        print(json_text.dumps([_row(one) for one in found]))
    for one in () if json else found:
        print(printable(f"{one.name}  {one.role.word}{'' if one.enabled else '  (may not log in)'}"))
    if not found and not json:
        print("There are no accounts; make one: vasari accounts add NAME --role admin")
    return ExitCode.DONE


@app.command
def role(name: Name, role: RoleWord, *, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """Give an account another role, from its next request on."""
    with _accounts(archive) as accounts:
        from vasari.archive.workbench.accounts import role_of

        account = accounts.set_role(name.lower(), role_of(role), by=BY)
    return _told(account, f"{account.name} is {account.role.word} now.", json)


@app.command
def password(name: Name, *, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """Replace an account's password, and end its sessions."""
    with _accounts(archive) as accounts:
        account = accounts.get(name.lower())
        accounts.set_password(account.name, _new_password(account.name), by=BY)
    return _told(account, f"{account.name} has a new password; everybody who was logged in with it is out.", json)


@app.command
def enable(name: Name, *, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """Let a disabled account log in again."""
    with _accounts(archive) as accounts:
        account = accounts.set_enabled(name.lower(), True, by=BY)
    return _told(account, f"{account.name} may log in again.", json)


@app.command
def disable(name: Name, *, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """End an account's sessions and let it log in no more; its tokens wait with it."""
    with _accounts(archive) as accounts:
        account = accounts.set_enabled(name.lower(), False, by=BY)
    return _told(account, f"{account.name} may not log in any more.", json)


@app.command
def remove(name: Name, *, archive: ArchiveFolder = None, json: JSON = False) -> int:
    """Take an account away with its sessions and tokens; what it did stays in the audit."""
    with _accounts(archive) as accounts:
        account = accounts.get(name.lower())
        accounts.remove(account.name, by=BY)
    return _told(account, f"{account.name} is gone.", json)


@contextmanager
def _accounts(given: Any) -> Iterator[Accounts]:
    folder = archive_folder(given)
    with archive_extra():
        from vasari.archive.workbench.accounts import Accounts
        from vasari.archive.workbench.database import WorkbenchDatabase
    with WorkbenchDatabase.open(folder) as database:
        yield Accounts(database)


def _new_password(name: str) -> str:
    """A password, typed twice in a terminal, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != first:
        raise PlanError("The two passwords differ.", remedy="run it again and type the same twice")
    return first


def _row(account: Account) -> dict[str, Any]:
    return {"name": account.name, "role": account.role.word, "enabled": account.enabled, "created": account.created}


def _told(account: Account, words: str, json: bool) -> int:
    print(json_text.dumps(_row(account)) if json else printable(words))
    return ExitCode.DONE
