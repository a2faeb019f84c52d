"""One of several server processes at one port, started by `vasari serve`.

python -m vasari.app.web.sibling FOLDER SOCKET SETTINGS

SOCKET is the number of the listening socket that it inherits; the system gives each connection to one of those that
listen. SETTINGS are JSON. Its standard input ends when the server that started it is gone.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import uvicorn

from vasari.app.settings import Settings
from vasari.app.web.application import create_app
from vasari.app.web.serving import keep_memory_together, server_of
from vasari.app.web.workbench import Workbench
from vasari.foundation.plans import from_dict


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM, or until the standard input ends."""
    folder, number, given = arguments
    keep_memory_together()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s: %(message)s")
    settings = from_dict(Settings, json.loads(given), where="settings")
    with socket.socket(fileno=int(number)) as listener, closing(Workbench.open(Path(folder), settings)) as workbench:
        server = server_of(create_app(workbench), settings)
        threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
        server.run(sockets=[listener])
    return 0


def _end_with_input(server: uvicorn.Server) -> None:
    while sys.stdin.readline():
        pass
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
