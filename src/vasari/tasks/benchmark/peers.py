"""Other programs beside ours: a command that fills a folder, or a folder that it filled before.

    --peer "NAME=PROGRAM --in {input} --out {output}"     run once, without a shell
    --peer NAME=FOLDER                                    results with the names of the given pictures

{input} is the folder of the given pictures, {output} an empty one; {mask} and {style} are folders of the same names
where a bench has them. Results are matched by name, whatever their ending.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError, VasariError
from vasari.tasks.evaluate.files import pictures_in

DONE = "done.json"
RESULTS, LOG = "results", "log.txt"
TOLD_OF_A_LOG = 400  # characters of a failed program's last words
NAME = re.compile(r"[\w-]{1,40}")
TAKEN = "given"  # the name of what nobody has treated


class PeerError(VasariError):
    """A program beside ours that failed, or gave nothing that could be measured."""


@dataclass(frozen=True)
class Peer:
    """A program by its name: `command` in parts with {placeholders}, or a `folder` of results."""

    name: str
    command: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def told(self) -> str:
        """What a protocol says of it: the command, without the paths of this machine's folders."""
        if self.folder is not None:
            return "results given as a folder"
        return "command: " + " ".join(Path(one).name if one.startswith(("/", "~")) else one for one in self.command)


def parse(text: str) -> Peer:
    """NAME=COMMAND or NAME=FOLDER; raises `PlanError`."""
    name, _, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not value or name == TAKEN or not NAME.fullmatch(name):
        raise PlanError(
            f"--peer {text} names no program.",
            remedy="write NAME=COMMAND with {input} and {output}, or NAME=FOLDER; a name is letters, digits, - and _",
        )
    if "{output}" not in value:
        folder = Path(value).expanduser()
        if not folder.is_dir():
            raise PlanError(
                f"--peer {name}: there is no folder {value}, and as a command it has no {{output}}.",
                remedy="name a folder of results, or a command with {input} and {output}",
            )
        return Peer(name, folder=folder)
    try:
        return Peer(name, command=tuple(shlex.split(value)))
    except ValueError as error:
        raise PlanError(f"--peer {name}: {error} in {value}.", remedy="close every quotation mark") from None


def parse_all(texts: Sequence[str], needs: Sequence[str]) -> tuple[Peer, ...]:
    """Peers of different names, whose commands hold each placeholder that the bench `needs`; raises `PlanError`."""
    found = tuple(parse(one) for one in texts)
    if len({one.name for one in found}) < len(found):
        raise PlanError("Two peers have one name.", remedy="give every --peer a name of its own")
    for one in found:
        if one.folder is not None:
            pictures_in(one.folder)  # an empty one is told of before the work
        missing = [key for key in needs if one.command and not any(f"{{{key}}}" in part for part in one.command)]
        if missing:
            raise PlanError(
                f"--peer {one.name}: its command has no {{{missing[0]}}}.",
                remedy=f"write where it goes: {', '.join(f'{{{key}}}' for key in needs)}",
            )
    return found


def filled(command: Sequence[str], places: Mapping[str, str | Path]) -> list[str]:
    """A command with every {placeholder} replaced; other braces stay."""
    parts = list(command)
    for key, value in places.items():
        parts = [part.replace(f"{{{key}}}", str(value)) for part in parts]
    return parts


def results_of(peer: Peer, folder: Path, places: Mapping[str, Path], key: str) -> dict[str, Path]:
    """The results of a peer by name; its command is run unless it was, for the same `key`, to its end.

    `folder` is its own, for results and log. Raises `PeerError` where the program cannot be started, fails or writes no
    pictures, `PlanError` for a folder without any.
    """
    if peer.folder is not None:
        return pictures_in(peer.folder)
    results, done = folder / RESULTS, folder / DONE
    facts = {"key": hashlib.sha256(f"{peer.command}{key}".encode()).hexdigest()}
    if not (done.is_file() and done.read_text(encoding="utf-8") == json.dumps(facts)):
        done.unlink(missing_ok=True)
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir(parents=True)
        run(peer, filled(peer.command, {**places, "output": results}), folder / LOG)
        _some(peer, results)
        write_whole(done, json.dumps(facts).encode())
    return _some(peer, results)


def run(peer: Peer, command: Sequence[str], log: Path) -> None:
    """Run a command to its end, what it says into `log`; raises `PeerError`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as said:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False)
    except OSError as error:
        raise PeerError(
            f"{peer.name} cannot be started: {error.strerror or error}: {command[0]}.",
            remedy="name a program that is installed, by its path where it is not found",
        ) from None
    if done.returncode:
        words = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-TOLD_OF_A_LOG:]
        raise PeerError(
            f"{peer.name} failed with {done.returncode}: {words or 'it said nothing'}",
            remedy=f"run it by hand: {shlex.join(command)}",
        )


def _some(peer: Peer, results: Path) -> dict[str, Path]:
    try:
        return pictures_in(results)
    except PlanError:
        raise PeerError(
            f"{peer.name} ended without an error and wrote no picture to its {{output}}.",
            remedy="see that the command writes there, each result by the name of the given picture",
        ) from None
