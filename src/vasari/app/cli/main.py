"""The command `vasari`: one literal table of commands, each in its own file, imported when it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from vasari.app.cli.addresses import refuse_address
from vasari.app.cli.messages import TRACEBACKS_WANTED, error_lines
from vasari.app.cli.whole_numbers import as_written
from vasari.foundation.errors import ExitCode, VasariError
from vasari.foundation.version import VERSION

HELP = """Restores old photographs and trains adversarial networks: masters untouched, every change on record.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some inputs failed, 130 interrupted."""

# Name -> (where its function is, what it does). Nothing is imported before a command is asked for.
COMMANDS = {
    "restore": ("vasari.app.cli.restore:restore", "Restore scans: fading, casts, grain, blur, scratches, dust, folds."),
    "colorize": ("vasari.app.cli.colorize:colorize", "Color grey pictures: plausible colors, lightness untouched."),
    "inpaint": ("vasari.app.cli.inpaint:inpaint", "Fill holes: a mask, a box or found damage."),
    "stylize": ("vasari.app.cli.stylize:stylize", "Give pictures the manner of other pictures, blended or by regions."),
    "styles": ("vasari.app.cli.styles:app", "List named styles and add your own."),
    "texture": ("vasari.app.cli.texture:texture", "Make a texture of any size out of one sample."),
    "generate": ("vasari.app.cli.generate:generate", "Make pictures by a trained generator: seeds, edits, walks."),
    "translate": ("vasari.app.cli.translate:translate", "Translate pictures by a trained translator."),
    "recognize": ("vasari.app.cli.recognize:app", "Recognize styles, artists or periods; train a recognizer."),
    "augment": ("vasari.app.cli.augment:augment", "Write style-augmented copies of a labeled set, with a manifest."),
    "archive": ("vasari.app.cli.archive.main:app", "Keep a dated archive of works, and see how style changes."),
    "evaluate": ("vasari.app.cli.evaluate:evaluate", "Measure results against a truth or a set, with intervals."),
    "benchmark": ("vasari.app.cli.benchmark:app", "Measure our ways and other programs, with reports."),
    "explain": ("vasari.app.cli.explain:explain", "Show what a restoration found, changed and is unsure of."),
    "profile": ("vasari.app.cli.profile:profile", "Measure a model's time and memory; forecast a folder."),
    "train": ("vasari.app.cli.train:train", "Train a model by a recipe."),
    "sweep": ("vasari.app.cli.sweep:sweep", "Try many settings of a recipe; which optimizer, which loss?"),
    "models": ("vasari.app.cli.models:app", "List and show the models at hand."),
    "serve": ("vasari.app.cli.serve:serve", "Serve the workbench: the whole of Vasari in a browser."),
    "accounts": ("vasari.app.cli.accounts:app", "Keep the accounts of a workbench that others reach."),
    "worker": ("vasari.app.cli.worker:worker", "Do the jobs of a workbench, on any number of machines."),
    "demo": ("vasari.app.cli.demo:demo", "Age a small album, restore it, and write a page to compare."),
}


def application() -> App:
    """The command line with every command of the table, none of them imported."""
    app = App(
        name="vasari",
        help=HELP,
        version=VERSION,
        default_parameter=Parameter(negative=(), validator=refuse_address, converter=as_written),
        result_action="return_value",
        help_format="plaintext",
    )
    for name, (place, help) in COMMANDS.items():
        app.command(place, name=name, help=help)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `vasari` with `arguments` (default: the process's) and return its exit code; raises nothing."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given or os.environ.get("VASARI_DEBUG", "") not in ("", "0")
    given = [one for one in given if one != "--debug"]
    before = TRACEBACKS_WANTED.set(debug)
    try:
        result = application()(given, exit_on_error=False, print_error=False)
        return int(result or 0)
    except CycloptsError as error:
        return _tell(str(error), _usage(given), ExitCode.USAGE)
    except VasariError as error:
        if debug:
            traceback.print_exc()
        return _tell(error.message, error.remedy, error.exit_code)
    except KeyboardInterrupt:
        return _tell("Interrupted.", "", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left; Python must not fail again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        words = f"{type(error).__name__}: {error}"
        return _tell(f"An unexpected failure ({words}).", "run it again with --debug and report it", ExitCode.FAILED)
    finally:
        TRACEBACKS_WANTED.reset(before)


def _tell(message: str, remedy: str, code: ExitCode) -> int:
    print(error_lines(message, remedy), file=sys.stderr)
    return int(code)


def _usage(given: Sequence[str]) -> str:
    known = [one for one in given[:1] if one in COMMANDS]
    return f"see {' '.join(['vasari', *known, '--help'])}"


if __name__ == "__main__":
    sys.exit(main())
