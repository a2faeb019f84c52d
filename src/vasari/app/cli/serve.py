"""`vasari serve`: the workbench in a browser, for one person on this machine or for those who have accounts."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import archive_extra, archive_folder
from vasari.app.cli.plan_options import with_plans
from vasari.app.cli.progress import printable
from vasari.app.settings import Settings
from vasari.foundation.errors import ExitCode, MissingExtraError


@with_plans(settings=Settings)
def serve(
    archive: Annotated[
        Path | None, Parameter(help="the archive's folder; default: VASARI_ARCHIVE, or the folder one is in")
    ] = None,
    *,
    settings: Settings,
) -> int:
    """Serve the workbench of an archive until Ctrl-C.

    On this machine alone (127.0.0.1) it is for one person, without a log-in. At any other address everyone logs in:
    make the first account with `vasari accounts add NAME --role admin`.
    """
    folder = archive_folder(archive)
    with archive_extra():
        from vasari.archive.store import read_settings
    read_settings(folder)  # tells in words of its own where there is no archive
    try:
        from vasari.app.web import serving
        from vasari.app.web.workbench import Workbench
    except ModuleNotFoundError as error:
        raise MissingExtraError("vasari serve", "web") from error
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s: %(message)s")
    listener, settings = serving.listening(settings)
    with listener, closing(Workbench.open(folder, settings)) as workbench:
        serving.check_may_serve(workbench)
        print(printable(f"The workbench of {folder} is at {address_of(settings)}"), flush=True)
        print("It ends with Ctrl-C.", flush=True)
        serving.run(workbench, listener)
    print("Ended.")
    return ExitCode.DONE


def address_of(settings: Settings) -> str:
    """What to write into the browser."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/"
