"""Accounts, log-ins, tokens and the audit, with a clock that is given; on both databases where SQL is touched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from vasari.archive.store import Archive
from vasari.archive.workbench import passwords, throttle
from vasari.archive.workbench.accounts import Accounts, checked_name
from vasari.archive.workbench.accounts_schema import ACCOUNTS, AUDIT, SESSIONS, TOKENS
from vasari.archive.workbench.audit import EVENTS, Audit
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.roles import Role
from vasari.archive.workbench.sessions import LogInError, Sessions
from vasari.archive.workbench.tokens import Tokens
from vasari.foundation.errors import ArchiveError, PlanError

PASSWORD = "the quick brown fox"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with weak parameters: the real ones are slow on purpose, and one test looks at them."""
    import argon2

    weak = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: weak)
    monkeypatch.setattr(passwords, "_stand_in", lambda: weak.hash("nobody"))


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    database: WorkbenchDatabase
    clock: Clock

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.database, self.clock)

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.database, 3600.0, 86_400.0, self.clock)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.database, self.clock)

    def events(self) -> list[tuple[str, str]]:
        return [(entry.who, entry.event) for entry in reversed(Audit(self.database, self.clock).page())]


@pytest.fixture
def desk(archive: Archive) -> Iterator[Desk]:
    with WorkbenchDatabase.open(archive) as database:
        yield Desk(database, Clock())


@pytest.fixture
def small_desk(sqlite_archive: Archive) -> Iterator[Desk]:
    with WorkbenchDatabase.open(sqlite_archive) as database:
        yield Desk(database, Clock())


def test_an_account_from_beginning_to_end(desk: Desk) -> None:
    accounts, sessions = desk.accounts, desk.sessions
    assert not accounts.are_there()
    ada = accounts.add(" Ada ", PASSWORD, Role.ADMIN, by="test")
    accounts.add("ben", PASSWORD, Role.VIEWER, by="ada")
    assert (ada.name, accounts.are_there()) == ("ada", True)
    with pytest.raises(PlanError, match="already"):
        accounts.add("ADA", PASSWORD, Role.VIEWER, by="test")
    secret = sessions.log_in("Ben", PASSWORD, address="192.0.2.7", agent="Firefox")
    assert sessions.account(secret) == accounts.get("ben")
    accounts.set_role("ben", Role.EDITOR, by="ada")
    assert sessions.account(secret).role is Role.EDITOR  # type: ignore[union-attr]
    accounts.set_enabled("ben", False, by="ada")
    assert sessions.account(secret) is None
    accounts.set_enabled("ben", True, by="ada")
    assert sessions.account(secret) is None
    again = sessions.log_in("ben", PASSWORD)
    accounts.set_password("ben", PASSWORD + "!", by="ada")
    assert sessions.account(again) is None
    with pytest.raises(LogInError):
        sessions.log_in("ben", PASSWORD)
    accounts.remove("ben", by="ada")
    with pytest.raises(ArchiveError, match="no account"):
        accounts.get("ben")
    assert desk.events() == [
        ("test", "account added"), ("ada", "account added"), ("ben", "log-in"), ("ada", "role changed"),
        ("ada", "account disabled"), ("ada", "account enabled"), ("ben", "log-in"), ("ada", "password changed"),
        ("ben", "log-in failed"), ("ada", "account removed"),
    ]  # fmt: skip
    assert {event for _, event in desk.events()} <= set(EVENTS)


def test_the_last_admin_stays(small_desk: Desk) -> None:
    accounts = small_desk.accounts
    accounts.add("ada", PASSWORD, Role.ADMIN, by="test")
    accounts.add("ben", PASSWORD, Role.ADMIN, by="test")
    accounts.set_enabled("ben", False, by="ada")
    for change in (
        lambda: accounts.set_role("ada", Role.VIEWER, by="ada"),
        lambda: accounts.set_enabled("ada", False, by="ada"),
        lambda: accounts.remove("ada", by="ada"),
    ):
        with pytest.raises(PlanError, match="last admin"):
            change()
    accounts.set_enabled("ben", True, by="ada")
    accounts.remove("ada", by="ben")


@pytest.mark.parametrize("name", ["", "local", "Ärger", "a b", "a/b", "-a", "a" * 65, "<script>", "a\n"[:1] + "\n b"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(PlanError):
        checked_name(name)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(PlanError, match="password"):
        passwords.hashed(password)


def test_the_real_parameters_are_those_of_rfc_9106(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.fits(PASSWORD, kept) and not passwords.fits(PASSWORD, None)


def test_no_secret_is_in_the_database(small_desk: Desk) -> None:
    small_desk.accounts.add("ada", PASSWORD, Role.ADMIN, by="test")
    session = small_desk.sessions.log_in("ada", PASSWORD)
    token, secret = small_desk.tokens.make(small_desk.accounts.get("ada"), "a client", Role.VIEWER)
    with small_desk.database.reading() as connection:
        kept = "".join(
            str(row)
            for table in (ACCOUNTS, SESSIONS, TOKENS, AUDIT)
            for row in connection.execute(select(table)).mappings()
        )
        password = connection.execute(select(ACCOUNTS.c.password)).scalar_one()
    assert password.startswith("$argon2id$")
    assert not [one for one in (PASSWORD, session, secret) if one in kept]
    assert len(session) == 43 and len(secret) == 43 + len("vasari_")
    assert secret.startswith(token.hint) and len(token.hint) < 12


def test_every_log_in_has_a_new_secret_and_guessing_one_opens_nothing(small_desk: Desk) -> None:
    small_desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    secrets = {small_desk.sessions.log_in("ada", PASSWORD) for _ in range(3)}
    assert len(secrets) == 3
    assert small_desk.sessions.account("x" * 43) is None
    with small_desk.database.reading() as connection:
        digest = connection.execute(select(SESSIONS.c.digest)).scalars().first()
    assert small_desk.sessions.account(str(digest)) is None


def test_sessions_end_when_idle_and_at_last(small_desk: Desk) -> None:
    clock, sessions = small_desk.clock, small_desk.sessions
    small_desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    secret = sessions.log_in("ada", PASSWORD)
    for _ in range(47):  # visited every half hour, it goes on for a day
        clock.now += 1800
        assert sessions.account(secret) is not None
    clock.now += 1800
    assert sessions.account(secret) is None
    idle = sessions.log_in("ada", PASSWORD)
    clock.now += 3601
    assert sessions.account(idle) is None


def test_others_are_logged_out(small_desk: Desk) -> None:
    small_desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    one, two = (small_desk.sessions.log_in("ada", PASSWORD, agent=agent) for agent in ("one", "two"))
    small_desk.sessions.end_others("ada", two)
    assert small_desk.sessions.account(one) is None and small_desk.sessions.account(two) is not None
    assert [session.agent for session in small_desk.sessions.of("ada")] == ["two"]
    small_desk.sessions.log_out(two)
    assert small_desk.sessions.account(two) is None


def test_guessing_is_throttled(desk: Desk) -> None:
    """Against one account from many addresses: five tries are free, then each wait doubles."""
    clock, sessions = desk.clock, desk.sessions
    desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    waits = []
    for number in range(12):
        with pytest.raises(LogInError) as refused:
            sessions.log_in("ada", f"guess {number}", address=f"192.0.2.{number}")
        assert refused.value.wait_s == 0
        with pytest.raises(LogInError) as refused:
            sessions.log_in("ada", "another", address="198.51.100.1") if number >= 4 else _stop()
        waits.append(refused.value.wait_s)
        clock.now += refused.value.wait_s
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128]
    clock.now += 129
    assert sessions.account(sessions.log_in("ada", PASSWORD))
    with pytest.raises(LogInError) as refused:
        sessions.log_in("ada", "guess", address="192.0.2.200")
    assert refused.value.wait_s == 0


def _stop() -> None:
    raise LogInError("", remedy="")


def test_an_address_that_tries_many_names_is_throttled(small_desk: Desk) -> None:
    for number in range(20):
        with pytest.raises(LogInError):
            small_desk.sessions.log_in(f"name{number}", "guess", address="2001:db8::1")
    with pytest.raises(LogInError) as refused:  # another address of the same network
        small_desk.sessions.log_in("somebody", "guess", address="2001:db8::ffff")
    assert refused.value.wait_s > 0
    with pytest.raises(LogInError) as refused:
        small_desk.sessions.log_in("somebody", "guess", address="2001:db8:0:1::1")
    assert refused.value.wait_s == 0


def test_many_guesses_at_once_gain_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password itself is looked at no more often than free tries allow, however many come together."""
    desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    looked_at: list[str] = []
    monkeypatch.setattr(passwords, "fits", lambda password, kept: bool(looked_at.append(password)))

    def guess(number: int) -> None:
        with pytest.raises(LogInError):
            desk.sessions.log_in("ada", f"guess {number}", address=f"192.0.2.{number}")

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == throttle.FREE["account"]


def test_waits_never_grow_beyond_their_bound() -> None:
    assert throttle.wait_of("account", 4) == 0
    assert throttle.wait_of("account", 10_000) == throttle.LONGEST_WAIT_S


def test_a_token_is_no_more_than_its_role_and_its_account(desk: Desk) -> None:
    accounts, tokens, clock = desk.accounts, desk.tokens, desk.clock
    accounts.add("root", PASSWORD, Role.ADMIN, by="test")
    ada = accounts.add("ada", PASSWORD, Role.EDITOR, by="test")
    with pytest.raises(PlanError, match="is editor"):
        tokens.make(ada, "too much", Role.ADMIN)
    with pytest.raises(PlanError, match="label"):
        tokens.make(ada, "  ", Role.VIEWER)
    reading, reader = tokens.make(ada, "reads", Role.VIEWER)
    _, writer = tokens.make(ada, "writes", Role.EDITOR, days=1)
    assert tokens.bearer(reader).role is Role.VIEWER and tokens.bearer(writer).role is Role.EDITOR  # type: ignore[union-attr]
    assert tokens.bearer("vasari_" + "x" * 43) is None
    accounts.set_role("ada", Role.VIEWER, by="root")
    assert tokens.bearer(writer).role is Role.VIEWER  # type: ignore[union-attr]
    accounts.set_enabled("ada", False, by="root")
    assert tokens.bearer(reader) is None
    accounts.set_enabled("ada", True, by="root")
    clock.now += 86_401
    assert tokens.bearer(writer) is None and tokens.bearer(reader) is not None
    with pytest.raises(ArchiveError):
        tokens.revoke(reading.id, "root", by="root")
    tokens.revoke(reading.id, "ada", by="ada")
    assert tokens.bearer(reader) is None
    assert [one.label for one in tokens.of("ada")] == ["writes"]


def test_the_audit_pages_and_filters(small_desk: Desk) -> None:
    audit = Audit(small_desk.database, small_desk.clock)
    for number in range(25):
        audit.note(f"person{number % 2}", "work edited", f"work {number}", {"field": "title"})
    first = audit.page(limit=10)
    assert [entry.object for entry in first] == [f"work {number}" for number in range(24, 14, -1)]
    assert [entry.object for entry in audit.page(limit=3, before=first[-1].id)] == ["work 14", "work 13", "work 12"]
    assert {entry.who for entry in audit.page(who="person1")} == {"person1"}
    assert audit.page(event="log-in") == []
    with pytest.raises(ValueError, match="no event"):
        audit.note("somebody", "made up")


def test_old_hashes_are_renewed_at_log_in(small_desk: Desk) -> None:
    import argon2
    from sqlalchemy import update

    small_desk.accounts.add("ada", PASSWORD, Role.VIEWER, by="test")
    weak = argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    with small_desk.database.writing() as connection:
        connection.execute(update(ACCOUNTS).values(password=weak))
    small_desk.sessions.log_in("ada", PASSWORD)
    with small_desk.database.reading() as connection:
        kept = connection.execute(select(ACCOUNTS.c.password)).scalar_one()
    assert kept != weak and passwords.fits(PASSWORD, kept) and not passwords.fits(PASSWORD + " ", kept)
