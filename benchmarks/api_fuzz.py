"""Thousands of requests that schemathesis makes up out of the OpenAPI document: none may end in a 5xx.

    python benchmarks/api_fuzz.py [--examples 200] [--seed 0] [--archive DIR]

Each operation is asked with values that fit the document and with such as do not, as an admin. Streams of events are
opened and left. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from machine import described
from served_workbench import seeded, served

TIMEOUT_S = 20.0


def main() -> None:
    """Run what is asked for, and print it as JSON; the exit code is 1 where the server failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="of each operation and each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--archive", type=Path, help="an archive of yours, which will be changed; default: a small one")
    given_options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        archive = given_options.archive or seeded(Path(folder), 12, 256)
        with served(archive) as (address, _):
            told = fuzz(address, given_options.examples, given_options.seed)
    print(json.dumps({"machine": described(), **told}, indent=1))
    raise SystemExit(1 if told["failures"] else 0)


def fuzz(address: str, examples: int, start: int) -> dict[str, Any]:
    """Ask every operation of the API; statuses by operation, and the requests that made the server fail."""
    session = requests.Session()
    csrf = session.get(f"{address}/api/v1/visitor", timeout=TIMEOUT_S).json()["csrf"]
    session.headers["X-CSRF-Token"] = csrf
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    statuses: dict[str, Counter[str]] = {}
    failures: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        counts = statuses.setdefault(operation.label, Counter())
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(operation, mode, session, examples, start, counts, failures)
    return {
        "requests": sum(sum(one.values()) for one in statuses.values()),
        "statuses": statuses,
        "failures": failures[:20],
    }


def _ask(
    operation: Any,
    mode: GenerationMode,
    session: requests.Session,
    examples: int,
    start: int,
    counts: Counter[str],
    failures: list[str],
) -> None:
    """Send what hypothesis makes up for one operation; it does not stop at the first failure."""

    @seed(start)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        prepared = case.as_transport_kwargs(base_url=operation.base_url)
        prepared["headers"] = {**dict(prepared.get("headers") or {}), "X-CSRF-Token": session.headers["X-CSRF-Token"]}
        try:
            with session.request(
                **{**prepared, "timeout": TIMEOUT_S, "stream": True, "allow_redirects": False}
            ) as answer:
                counts[str(answer.status_code)] += 1
                if answer.status_code >= 500:
                    failures.append(f"{answer.status_code} {case.method} {answer.url} {prepared.get('json')!r:.200}")
        except (requests.exceptions.InvalidHeader, UnicodeError, ValueError):
            counts["cannot be sent"] += 1

    try:
        send()
    except (schemathesis.errors.SchemathesisError, Unsatisfiable) as error:
        # For some operations nothing can be made that does not fit.
        counts[f"not made: {type(error).__name__}"] += 1


if __name__ == "__main__":
    main()
