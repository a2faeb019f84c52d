"""`vasari archive`: one literal table of commands, each in its own file, imported when it is asked for."""

from __future__ import annotations

from cyclopts import App

# Name -> (where its function is, what it does).
COMMANDS = {
    "init": ("vasari.app.cli.archive.init:init", "Make an archive in a new folder."),
    "upgrade": ("vasari.app.cli.archive.init:upgrade", "Bring an archive of an older Vasari up to date."),
}

app = App(
    name="archive",
    help="What was made when, and how style changed: add works, find them, follow them through time, keep them.",
)
for _name, (_place, _help) in COMMANDS.items():
    app.command(_place, name=_name, help=_help)
