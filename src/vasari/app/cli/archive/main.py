"""`vasari archive`: one literal table of commands, each in its own file, imported when it is asked for."""

from __future__ import annotations

from cyclopts import App

# Name -> (where its function is, what it does).
COMMANDS = {
    "init": ("vasari.app.cli.archive.init:init", "Make an archive in a new folder."),
    "date": ("vasari.app.cli.archive.date:date", "Tell when an undated scan may have been made, by what it resembles."),
    "recognize": ("vasari.app.cli.archive.recognize:app", "Let a recognizer say what works are, or train one."),
    "trends": (
        "vasari.app.cli.archive.trends:trends",
        "Follow what was measured through time, with bands and changes.",
    ),
    "upgrade": ("vasari.app.cli.archive.init:upgrade", "Bring an archive of an older Vasari up to date."),
    "add": ("vasari.app.cli.archive.add:add", "Put pictures and catalogs into an archive."),
    "show": ("vasari.app.cli.archive.show:show", "All that is known of a work, and who said it."),
    "state": ("vasari.app.cli.archive.state:state", "Say what a work is: your word goes before a catalog's."),
    "index": ("vasari.app.cli.archive.index:index", "Measure the pictures: colors, edges, complexity, style."),
    "prepare": ("vasari.app.cli.archive.prepare:prepare", "Make ahead what the workbench reads of large pictures."),
    "list": ("vasari.app.cli.archive.lists:list_works", "List the works that a query means."),
    "search": ("vasari.app.cli.archive.lists:search", "Find works by words, or by their likeness to a picture."),
    "facets": ("vasari.app.cli.archive.lists:facets", "Count works by artist, decade, medium, style."),
    "map": ("vasari.app.cli.archive.map:draw_map", "Draw a page on which works that are alike lie near."),
    "export": ("vasari.app.cli.archive.exports:export", "Write works as CSV, JSON-LD, IIIF or a BagIt bag."),
    "import": ("vasari.app.cli.archive.exports:import_", "Take back records that Vasari exported."),
    "verify": ("vasari.app.cli.archive.verify:verify", "Compare the files with their recorded hashes."),
    "rebuild": ("vasari.app.cli.archive.rebuild:rebuild", "Make the database anew from the journal, or the reverse."),
    "backup": ("vasari.app.cli.archive.backup:backup", "Copy an archive as it is at one instant."),
    "recover": ("vasari.app.cli.archive.backup:recover", "Bring an archive back from a backup."),
    "transfer": ("vasari.app.cli.archive.transfer:transfer", "Move the database to PostgreSQL, or back to SQLite."),
}

app = App(
    name="archive",
    help="What was made when, and how style changed: add works, find them, follow them through time, keep them.",
)
for _name, (_place, _help) in COMMANDS.items():
    app.command(_place, name=_name, help=_help)
