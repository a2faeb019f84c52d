"""Peak memory of work on large scans: synthetic 16-bit TIFFs of growing size, each in a process of its own.

    python benchmarks/memory.py                                   # streams an identity
    python benchmarks/memory.py --command "vasari restore {input} -o {folder}"
    python benchmarks/memory.py --sides 5000 10000 --compression lzw

Prints JSON: for each size the largest resident memory of the process (ru_maxrss, so pages of files that
are mapped count too) and the seconds it took; then the growth from the smallest to the largest. Exits 1
where a process fails, where the peak is above `--cap-mb`, or where it grows by more than `--growth` percent.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

from vasari.tasks.benchmark.memory import MB, make_scan, used


def stream_identity(source: Path, target: Path) -> None:
    """What a restoration does around its network: read, decode, tile, encode, write."""
    from vasari.foundation import image_files, tiles

    with image_files.open_rows(source) as reader:
        header = reader.header
        with image_files.RowWriter(target, header) as writer:
            tiles.stream(
                reader,
                lambda pixels, window: {"result": pixels.clone()},
                {"result": lambda raw, rows: writer.append(image_files.encode(rows, raw, header))},
                tile=768,
                halo=96,
                multiple_of=8,
            )


def measure(command: list[str]) -> dict[str, float | int]:
    """Run a command; its exit code, seconds, and peak resident memory in MB (its own or its children's)."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        found = used(command, Path(log.name))
    return {"exit_code": found.exit_code, "seconds": round(found.seconds, 1), "peak_mb": round(found.peak_bytes / MB)}


def commands(template: str | None, source: Path, folder: Path) -> list[str]:
    """The command line to measure for one scan."""
    if template is None:
        return [sys.executable, __file__, "--stream", str(source), str(folder / f"streamed-{source.name}")]
    return [part.format(input=source, folder=folder) for part in shlex.split(template)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[10_000, 20_000], help="sides of the scans, in pixels")
    parser.add_argument("--command", help="what to measure; {input} and {folder} are filled in")
    parser.add_argument("--compression", default="none", choices=["none", "lzw", "deflate"])
    parser.add_argument("--cap-mb", type=int, default=1536)
    parser.add_argument("--growth", type=float, default=10.0, help="allowed growth in percent")
    parser.add_argument("--folder", type=Path, help="where the scans are made (default: a temporary folder)")
    parser.add_argument("--stream", type=Path, nargs=2, metavar=("SOURCE", "TARGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream_identity(*options.stream)
        return 0
    results = []
    for side in sorted(options.sides):
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            scan = make_scan(Path(name) / f"scan-{side}.tif", side, options.compression)
            found = measure(commands(options.command, scan, Path(name)))
            results.append({"side_px": side, "file_mb": round(scan.stat().st_size / 2**20), **found})
    growth = 100.0 * (results[-1]["peak_mb"] / results[0]["peak_mb"] - 1.0)
    print(json.dumps({"command": options.command or "stream identity", "runs": results, "growth_percent": growth}))
    failed = any(run["exit_code"] or run["peak_mb"] > options.cap_mb for run in results)
    return int(failed or growth > options.growth)


if __name__ == "__main__":
    raise SystemExit(main())
