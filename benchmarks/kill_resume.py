"""`kill -9` at random moments of a batch, each followed by the same command: nothing lost, doubled or half-written.

    python benchmarks/kill_resume.py --kills 50 --seed 1 [--pictures 150] [--model PATH]

Protocol: small pictures (JPEG, PNG, 8- and 16-bit TIFF, one of several pages, some of one name, one damaged) are
restored with `vasari restore IN -o OUT --evidence`. One run is left undisturbed. In another folder the same command
is killed with SIGKILL again and again at random moments (three of four while it writes results, the others anywhere,
start-up included) and started anew; a last run is left to finish. Held against the undisturbed run: the set of files;
every result, map and record, byte for byte (SOURCE_DATE_EPOCH gives all records one time); the ledger; the masters.
Prints JSON; exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SIDE_PX = 160
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}


def make_album(folder: Path, pictures: int, seed: int) -> None:
    """Write the pictures of the batch: crops of photographs, each other."""
    from skimage import data

    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    random_crops = random.Random(seed)
    for index in range(pictures):
        source = sources[index % len(sources)]
        top = random_crops.randrange(source.shape[0] - SIDE_PX)
        left = random_crops.randrange(source.shape[1] - SIDE_PX)
        crop = np.ascontiguousarray(source[top : top + SIDE_PX, left : left + SIDE_PX])
        place = folder / f"box {index % 3}"
        place.mkdir(parents=True, exist_ok=True)
        name = f"{index:03d}"
        if index % 4 == 0:
            Image.fromarray(crop).save(place / f"{name}.jpg", quality=90)
        elif index % 4 == 1:
            Image.fromarray(crop[..., 1]).save(place / f"{name}.png")
        elif index % 4 == 2:
            tifffile.imwrite(place / f"{name}.tif", crop.astype(np.uint16) * 257, photometric="rgb")
        else:
            Image.fromarray(crop).save(place / f"{name}.png")
            Image.fromarray(crop).save(place / f"{name}.jpg", quality=80)
    tifffile.imwrite(folder / "album.tif", np.stack([sources[0][:SIDE_PX, :SIDE_PX]] * 5), photometric="rgb")
    (folder / "damaged.jpg").write_bytes((folder / "box 0" / "000.jpg").read_bytes()[:700])


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, by its place in the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(scans: Path, output: Path, model: str | None) -> list[str]:
    """The command that is killed and started again."""
    extra = ["--model", model] if model else []
    return [sys.executable, "-m", "vasari.app.cli.main", "restore", str(scans), "-o", str(output), "--evidence", *extra]


def run_killed(arguments: list[str], output: Path, moments: random.Random) -> bool:
    """Start the command, kill it at a random moment after it began to work; False where it finished before."""
    ledger = output / "ledger.jsonl"
    before = ledger.stat().st_size if ledger.exists() else 0
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    patience = time.monotonic() + 120
    if moments.random() < 0.75:
        while process.poll() is None and time.monotonic() < patience:
            if ledger.exists() and ledger.stat().st_size > before:
                break
            time.sleep(0.002)
        time.sleep(moments.random() * 0.25)
    else:
        time.sleep(moments.random() * 3.0)
    finished = process.poll() is not None
    if not finished:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return not finished


def finish(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(arguments, capture_output=True, text=True, check=False, env=ENVIRONMENT)


def compare(undisturbed: Path, killed: Path) -> list[str]:
    """What is not as it should be; empty where all is well."""
    one, two = digests(undisturbed), digests(killed)
    problems = [f"lost: {name}" for name in sorted(set(one) - set(two))]
    problems += [f"left behind: {name}" for name in sorted(set(two) - set(one))]
    same = sorted(set(one) & set(two) - {"ledger.jsonl"})
    problems += [f"differs: {name}" for name in same if one[name] != two[name]]
    for record in sorted(killed.rglob("*.treatment.json")):
        values = json.loads(record.read_text())
        for facts in (values["result"], *values["evidence"]):
            if hashlib.sha256(record.with_name(facts["name"]).read_bytes()).hexdigest() != facts["sha256"]:
                problems.append(f"{record.name} tells another hash of {facts['name']}")
    return problems + compare_ledgers(undisturbed, killed)


def compare_ledgers(undisturbed: Path, killed: Path) -> list[str]:
    """Each page is told, done once and never doubled; what failed failed in both."""
    problems, outcomes = [], []
    for folder in (undisturbed, killed):
        text = (folder / "ledger.jsonl").read_text()
        entries, torn = [], 0
        for line in text.splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                torn += 1
        last = {(one["source"], one["page"]): (one["status"], one.get("result")) for one in entries}
        done = [(one["source"], one["page"]) for one in entries if one["status"] == "done"]
        if len(done) != len(set(done)):
            problems.append(f"{len(done) - len(set(done))} pages are done twice in the ledger of {folder.name}")
        outcomes.append(last)
    if outcomes[0] != outcomes[1]:
        problems.append("the ledgers tell other outcomes")
    return problems


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default=None)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans, undisturbed, killed = folder / "scans", folder / "undisturbed", folder / "killed"
        make_album(scans, options.pictures, options.seed)
        masters = digests(scans)
        first = finish(command(scans, undisturbed, options.model))
        if first.returncode != 3:  # one picture is damaged
            print(f"The undisturbed run ended with exit code {first.returncode}:\n{first.stderr}", file=sys.stderr)
            return 1
        kills = missed = 0
        arguments = command(scans, killed, options.model)
        while kills < options.kills and missed < 5:
            if run_killed(arguments, killed, moments):
                kills += 1
            else:
                missed += 1  # the batch ran to its end before the kill: there is nothing left to disturb
        ledger = killed / "ledger.jsonl"
        lines_before = len(ledger.read_text().splitlines()) if ledger.exists() else 0
        last = finish(arguments)
        problems = compare(undisturbed, killed)
        problems += [] if digests(scans) == masters else ["a master has changed"]
        codes = (first.returncode, last.returncode)
        problems += (
            [] if codes == (3, 3) else [f"exit codes {codes}, not 3 and 3", first.stderr[-500:], last.stderr[-500:]]
        )
        result = {
            "kills": kills,
            "kills_wanted": options.kills,
            "files": len(masters),
            "ledger_lines_before_the_last_run": lines_before,
            "problems": problems,
            "seconds": round(time.monotonic() - began, 1),
            "seed": options.seed,
        }
    print(json.dumps(result, indent=2))
    return 1 if problems or kills < options.kills else 0


if __name__ == "__main__":
    sys.exit(main())
