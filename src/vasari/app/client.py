"""A client of a workbench for programs: sends files, has work done, waits for it, fetches results. Standard library.

from vasari.app.client import Workbench

bench = Workbench("http://127.0.0.1:8765")
job = bench.wait(bench.submit("restore", [bench.upload("scan.tif")], {"vividness": 0.3}))
bench.download(job, "restored/")
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path, PurePosixPath
from typing import IO, Any

from vasari.foundation.errors import PlanError, VasariError, WriteError

TOKEN_VARIABLE = "VASARI_TOKEN"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 3.0
#: Ends of jobs as the API tells them.
ENDED = ("done", "failed", "cancelled")


class WorkbenchError(VasariError):
    """What a workbench refused, in its own words; `status` is HTTP's, 0 where none answered."""

    def __init__(self, status: int, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(frozen=True)
class Job:
    """A job as it stood when it was asked about; `facts` is all that the API tells."""

    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.facts["id"])

    @property
    def state(self) -> str:
        """queued, running, done, failed or cancelled."""
        return str(self.facts["state"])

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        return float(self.facts["share"])

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its results."""
        return tuple(one["name"] for one in self.facts["files"])


class Workbench:
    """A workbench at an address; `token` is one of the account page's, by default the variable VASARI_TOKEN's.

    On the server's own machine no token is needed. Every call raises `WorkbenchError`.
    """

    def __init__(self, address: str, token: str | None = None, timeout_s: float = 60.0) -> None:
        if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
            raise PlanError(f"{address} is no address of a workbench.", remedy="write http://HOST:PORT or https://HOST")
        self.address = address.rstrip("/")
        self.timeout_s = timeout_s
        self._token = token or os.environ.get(TOKEN_VARIABLE, "")
        self._csrf = ""
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
        )

    def upload(self, path: str | Path) -> str:
        """Send a picture or film; the reference by which jobs name it."""
        references = self.upload_all(path)
        if len(references) != 1:
            raise PlanError(f"{path} holds {len(references)} files.", remedy="use upload_all for zip archives")
        return references[0]

    def upload_all(self, path: str | Path) -> list[str]:
        """Send a file, or a zip archive of pictures; the references of all that was in it."""
        path = Path(path)
        try:
            file, size = path.open("rb"), path.stat().st_size
        except OSError as error:
            raise PlanError(f"{path} cannot be read: {error.strerror or error}.", remedy="check the name") from error
        with file:
            answer = self._ask("POST", "/api/v1/uploads", {"name": path.name}, file, {"Content-Length": str(size)})
        return [one["reference"] for one in answer["uploads"]]

    def submit(
        self,
        operation: str,
        inputs: Sequence[str] = (),
        fields: Mapping[str, Any] | None = None,
        *,
        priority: int = 0,
        add_to_archive: bool = False,
    ) -> Job:
        """Put work into the queue; the same work that was done before is given back."""
        asked = {
            "operation": operation, "inputs": list(inputs), "fields": dict(fields or {}), "priority": priority,
            "add_to_archive": add_to_archive,
        }  # fmt: skip
        return Job(self._send("/api/v1/jobs", asked))

    def job(self, id: str) -> Job:
        """A job as it stands."""
        return Job(self._ask("GET", f"/api/v1/jobs/{urllib.parse.quote(id, safe='')}"))

    def jobs(self, **filters: str) -> Iterator[Job]:
        """All jobs, newest first, in brief (`job(id)` is whole); `state`, `operation` and `owner` narrow them down."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._ask("GET", "/api/v1/jobs", {**filters, **({"cursor": cursor} if cursor else {})})
            yield from map(Job, page["jobs"])
            cursor = page["cursor"]

    def wait(self, job: Job, timeout_s: float | None = None) -> Job:
        """The job when it is done; raises `WorkbenchError` where it fails, is cancelled, or takes too long."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        pause = FIRST_PAUSE_S
        while job.state not in ENDED:
            if until is not None and time.monotonic() > until:
                raise WorkbenchError(0, f"The job {job.id} is not done yet.", remedy="wait for it again")
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 1.3)
            job = self.job(job.id)
        if job.state != "done":
            error = job.facts["error"] or {"what": f"The job was {job.state}.", "remedy": "retry it"}
            raise WorkbenchError(0, error["what"], remedy=error["remedy"])
        return job

    def cancel(self, job: Job) -> Job:
        """Cancel a job."""
        return Job(self._send(f"/api/v1/jobs/{job.id}/cancel", {}))

    def retry(self, job: Job) -> Job:
        """Try a job again that failed or was cancelled."""
        return Job(self._send(f"/api/v1/jobs/{job.id}/retry", {}))

    def download(self, job: Job, folder: str | Path) -> list[Path]:
        """Fetch all results of a job into a folder, each whole or not there; raises `WriteError` too."""
        folder = Path(folder)
        fetched = []
        whole = self.job(job.id) if job.facts.get("brief") else job
        for one in whole.facts["files"]:
            name = PurePosixPath(one["name"])
            if name.is_absolute() or ".." in name.parts:
                raise WorkbenchError(0, f"The workbench names a file elsewhere: {name}.", remedy="do not trust it")
            fetched.append(self._fetch(one["url"], one["sha256"], folder / name))
        return fetched

    def search(self, query: str = "", text: str = "", limit: int = 50) -> Iterator[dict[str, Any]]:
        """Works of the archive that a query (artist='Monet' and 1885/1895) and words find, page after page."""
        asked: dict[str, Any] = {"query": query, "text": text, "limit": limit}
        while True:
            page = self._ask("GET", "/api/v1/works", asked)
            yield from page["works"]
            if page["cursor"] is None:
                return
            asked["cursor"] = page["cursor"]

    def operations(self) -> list[dict[str, Any]]:
        """Everything that can be asked for, with the JSON Schema of its fields."""
        found: list[dict[str, Any]] = self._ask("GET", "/api/v1/operations")
        return found

    def _send(self, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(values).encode()
        found: dict[str, Any] = self._ask("POST", path, None, data, {"Content-Type": "application/json"})
        return found

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        address = self.address + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(address, data=body, method=method, headers=dict(headers or {}))
        request.add_header("Accept", "application/json")
        self._show_who(request)
        with self._opened(request) as answer:
            try:
                return json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as error:  # killed in the middle of its answer
                raise self._silent(error) from error

    def _fetch(self, path: str, sha256: str, target: Path) -> Path:
        request = urllib.request.Request(self.address + path)
        self._show_who(request)
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._opened(request) as answer, part.open("wb") as file:
                if self._copied(answer, file) != sha256:
                    raise WorkbenchError(0, f"{target.name} did not come whole.", remedy="fetch it again")
            part.replace(target)
        except OSError as error:
            raise WriteError(
                f"{target} could not be written: {error.strerror or error}.", remedy="choose another folder"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    def _copied(self, answer: Any, file: IO[bytes]) -> str:
        """Write an answer to a file; its SHA-256. The server's failures are told apart from those of the disk."""
        digest = hashlib.sha256()
        while True:
            try:
                block = answer.read(1 << 20)
            except (OSError, http.client.HTTPException) as error:
                raise self._silent(error) from error
            if not block:
                return digest.hexdigest()
            digest.update(block)
            file.write(block)

    def _show_who(self, request: urllib.request.Request) -> None:
        """The token, or without one on the server's own machine that of a session; neither goes along a redirect."""
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        elif request.get_method() != "GET":
            if not self._csrf:
                self._csrf = self._ask("GET", "/api/v1/visitor")["csrf"]
            request.add_unredirected_header("X-CSRF-Token", self._csrf)

    def _opened(self, request: urllib.request.Request) -> Any:
        try:
            return self._opener.open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> WorkbenchError:
        """What is told where no answer came, or half of one."""
        words = f"The workbench at {self.address} does not answer: {error}."
        return WorkbenchError(0, words, remedy="see that it is served")


def _refused(error: urllib.error.HTTPError) -> WorkbenchError:
    try:
        said = json.loads(error.read())["error"]
        return WorkbenchError(error.code, str(said["what"]), remedy=str(said["remedy"]))
    except (ValueError, KeyError, TypeError):
        return WorkbenchError(error.code, f"The workbench answered {error.code}.", remedy="see its log")
