"""What the documents say is so: commands parse, snippets run, links lead somewhere, tables are complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vasari.foundation.errors import ExitCode

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")


def _ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _blocks(path: Path, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(path.read_text(encoding="utf-8")) if found == kind]


def _lines(program: str) -> list[str]:
    blocks = [block for path in DOCUMENTS for block in _blocks(path, "console")]
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return sorted({line for line in lines if line.startswith(f"{program} ")})


@pytest.mark.parametrize("line", _lines("make"))
def test_every_documented_target_exists(line: str) -> None:
    targets = [word for word in line.split()[1:] if "=" not in word]
    done = subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", _lines("vasari"))
def test_every_documented_command_parses(line: str) -> None:
    from vasari.app.cli.main import application

    words = shlex.split(line)[1:]
    if words[-1] in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-m", "vasari.app.cli.main", *words], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    else:
        application().parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if _blocks(path, "python")], ids=_ids)
def test_python_snippets_compile(path: Path) -> None:
    for block in _blocks(path, "python"):
        compile(block, str(path), "exec")


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if _blocks(path, "toml")], ids=_ids)
def test_toml_snippets_parse(path: Path) -> None:
    for block in _blocks(path, "toml"):
        tomllib.loads(block)


@pytest.mark.parametrize("name", ["README.md", "docs/library.md", "docs/damage.md"])
def test_python_snippets_run(name: str, tmp_path: Path) -> None:
    """In a folder that holds the scan and the photograph that they speak of."""
    import numpy as np

    from vasari import Picture

    rng = np.random.default_rng(3)
    Picture.from_array(rng.integers(0, 65536, (96, 128, 3), dtype=np.uint16)).save(tmp_path / "scan.tif")
    Picture.from_array(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(tmp_path / "photograph.jpg")
    for number, block in enumerate(_blocks(ROOT / name, "python")):
        script = tmp_path / f"snippet{number}.py"
        script.write_text(block, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_ids)
def test_relative_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if re.match(r"^[a-z]+:", link):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(link)
    assert not broken, broken


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_damage_and_era_is_described() -> None:
    from vasari.foundation import damage

    text = _text("docs/damage.md")
    described = set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE))
    assert described == set(damage.DAMAGES) | set(damage.ERAS)
    order = re.findall(r"^\| `(\w+)` \|", text.split("## Damages")[1], re.MULTILINE)
    assert order == list(damage.DAMAGES)


def test_every_option_of_restore_is_described() -> None:
    command = [sys.executable, "-m", "vasari.app.cli.main", "restore", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    options = set(re.findall(r"^\W*(--[a-z-]+)", done.stdout, re.MULTILINE)) - {"--help"}
    assert {"--vividness", "--output", "--jobs"} <= options
    text = _text("docs/cli.md")
    missing = [option for option in sorted(options) if f"| `{option}" not in text]
    assert not missing, missing


def test_every_exit_code_is_described() -> None:
    text = _text("docs/cli.md")
    missing = [int(code) for code in ExitCode if f"| {int(code)} |" not in text]
    assert not missing, missing


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    every = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.match(r"[\w-]+", one)[0] for one in every} - {"vasari"}  # type: ignore[index]
    text = _text("docs/dependencies.md")
    missing = [name for name in sorted(names) if not re.search(rf"^\|[^|]*\b{name}\b", text, re.MULTILINE)]
    assert not missing, missing


def test_every_decision_is_listed() -> None:
    text = _text("docs/decisions/README.md")
    missing = [path.name for path in (ROOT / "docs" / "decisions").glob("0*.md") if path.name not in text]
    assert not missing, missing


def test_bundled_models_are_described() -> None:
    from vasari.models.hub import bundled

    text = _text("docs/models.md")
    missing = [name for name in bundled() if f"`{name}`" not in text]
    assert not missing, missing


def test_recipes_that_ship_are_described() -> None:
    from vasari.tasks.recipe import shipped

    text = _text("docs/training.md")
    missing = [name for name in shipped() if f"| `{name}` |" not in text]
    assert not missing, missing


def test_commands_are_described() -> None:
    from vasari.app.cli.main import COMMANDS

    text = _text("docs/cli.md")
    missing = [name for name in COMMANDS if f"## vasari {name}\n" not in text]
    assert not missing, missing
