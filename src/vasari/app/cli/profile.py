"""`vasari profile`: parameters, operations, time and memory of a model by stage, and how long a folder will take."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode
from vasari.tasks.profile.plan import ProfilePlan

if TYPE_CHECKING:
    from vasari.tasks.profile.forecast import Forecast
    from vasari.tasks.profile.measuring import Layer
    from vasari.tasks.profile.profiling import Profile

LAYERS_TOLD = 8


@with_plan(ProfilePlan)
def profile(
    model: Annotated[str, Parameter(help="restore, stylize, a bundled model's name, or a .safetensors file")],
    *,
    folder: Annotated[Path | None, Parameter(help="forecast how long the pictures of this folder will take")] = None,
    json: JSON = False,
    plan: ProfilePlan,
) -> int:
    """Measure a model on this machine: parameters, operations, time and memory by stage; forecast a folder."""
    from vasari.tasks.profile.profiling import profile as profiled

    found = profiled(model, plan, folder)
    print(json_text.dumps(found.to_dict()) if json else printable(_text(found)))
    return ExitCode.DONE


def _text(found: Profile) -> str:
    from vasari.tasks.profile.profiling import busiest

    measured = found.measurement
    size = f"{found.width} × {found.height} px" if found.width else "one picture of its own size"
    peaks = ", ".join(
        f"{one.precision} {one.operations_per_second / 1e9:.0f} (3×3, {one.channels} channels, {one.side_px} px)"
        for one in found.peaks
    )
    lines = [
        f"{found.name}: {found.parameters:,} parameters; {size} in {found.precision}: "
        f"{measured.operations / 1e9:.1f} G operations, {measured.seconds:.2f} s "
        f"({min(measured.all_seconds):.2f} to {max(measured.all_seconds):.2f}), "
        f"{found.share:.0%} of the machine's peak.",
        f"Peak of convolutions, G operations/s: {peaks}.",
        f"Most memory of the process: {measured.peak_bytes / 2**20:,.0f} MB.",
        f"Machine: {', '.join(f'{key} {value}' for key, value in found.machine.items())}.",
        *_busy(found),
        "",
        _table("stage", measured.stages(), measured.hooked_seconds),
        "",
        _table("slowest layers", busiest(measured.layers, LAYERS_TOLD), measured.hooked_seconds),
    ]
    if found.folder is not None:
        lines += ["", _forecast(found.folder)]
    return "\n".join(lines)


def _busy(found: Profile) -> list[str]:
    """A warning where others had a part of the machine, which was taken from the peak and from the model alike."""
    load, cores = float(found.machine["load"]), int(found.machine["cores"] or 1)
    if not load > cores:
        return []
    return [f"The machine was busy (load {load:g} on {counted(cores, 'core')}): times, peak and shares are uncertain."]


def _table(head: str, layers: list[Layer], seconds: float) -> str:
    rows = [(head, "parameters", "G operations", "ms", "share", "largest MB")]
    rows += [
        (
            one.name,
            f"{one.parameters:,}",
            f"{one.operations / 1e9:.2f}",
            f"{one.seconds * 1e3:.1f}",
            f"{one.seconds / seconds:.0%}",
            f"{one.largest_bytes / 2**20:.1f}",
        )
        for one in layers
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    )


def _forecast(found: Forecast) -> str:
    shares = ", ".join(f"{step} {share:.0%}" for step, share in found.shares.items())
    unreadable = f"; {counted(found.unreadable, 'file')} cannot be read" if found.unreadable else ""
    return (
        f"{found.pictures:,} {'scan' if found.pictures == 1 else 'scans'}, about {duration(found.seconds)} on this "
        f"machine ({duration(found.low)} to {duration(found.high)}; {found.megapixels:,.0f} MP; by "
        f"{counted(found.tried, 'picture')} tried: {shares}){unreadable}."
    )
