"""The page docs/optimizers.md and its drawings, out of the folders of the two sweeps of benchmarks/sweeps.

vasari sweep benchmarks/sweeps/generate.toml --data PAINTINGS -o SWEEPS/generate
vasari sweep benchmarks/sweeps/restore.toml --data PHOTOS -o SWEEPS/restore
python benchmarks/optimizers_page.py --generate SWEEPS/generate --restore SWEEPS/restore

Every number and every sentence on a difference is computed from the folders, so the page cannot say more than the runs.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.tasks.sweep.analysis import Findings, ValueScore, findings
from vasari.tasks.sweep.checking import judged
from vasari.tasks.sweep.drawings import number
from vasari.tasks.sweep.plan import read_sweep
from vasari.tasks.sweep.report import drawings
from vasari.tasks.sweep.running import Swept, collected
from vasari.tasks.sweep.tables import AXIS_HEAD, axis_rows, chance, counts, interval

ROOT = Path(__file__).resolve().parents[1]
SHOWN = 8
SURE = 0.05

HEAD = """# Six optimizers, six losses

Which optimizer, and which adversarial loss? Two [sweeps](sweep.md), every combination of six optimizers with six
adversarial kinds, on the machine this was written on: two shared CPU cores, one thread a run.

```console
vasari sweep benchmarks/sweeps/generate.toml --data paintings -o sweeps/generate
vasari sweep benchmarks/sweeps/restore.toml --data photos -o sweeps/restore
python benchmarks/optimizers_page.py --generate sweeps/generate --restore sweeps/restore
```

The last line writes this page, all numbers and every sentence on a difference, from the runs.

## How far to trust it

- **Short runs of small networks.** They tell how fast a combination begins, not where it ends: a loss or an optimizer
  that is slow at first may be the best after a million pictures. For a training of your own, sweep its own recipe.
- **One rate for each optimizer, not tuned here**: a usual one for networks of this size (Adam and RAdam 1e-3, RMSprop
  5e-4, Lion a fifth of Adam's, as its paper advises, SGD 0.1, with momentum 0.02). Another rate can turn the order
  around; an axis `"train.learning_rate" = {times = [0.3, 1.0, 3.0]}` in the plans shows it, at three times the cost.
  Gradients are clipped at norm 1, without which plain SGD leaves `wgan` and `wgan-gp` at once. AdamW is left out: in
  so few steps its decay does nothing, and it is Adam.
- **A loss comes with what holds its critic**: R1 for `bce`, `lsgan`, `hinge`, R1 and R2 for `rpgan`, clipping at 0.05
  for `wgan`, its penalty for `wgan-gp`; in restoration spectral norm for all but `wgan` and `wgan-gp`. So kinds are
  compared as they are used, not as formulas. All take one step of the critic for each of the generator, where the
  papers of `wgan` and `wgan-gp` take five: at equal cost, they are worse off than in their papers.
- **What is tested**: an axis, by pairs of runs that differ in it alone; with one seed six pairs, with two twelve.
  Six pairs that all agree give p = 0.031 before Holm, and nothing below 0.05 after it. "Not told apart" does not mean
  equal.
"""

GENERATE = """## Generation

Pictures of 16 × 16 px like 714 paintings, by the networks of DCGAN at a quarter of their width (the critic without
normalization), 2,048 pictures shown in 128 steps. Judged by the kernel distance in the features `layout` (no KID: see
[stability](stability.md)), of 256 made pictures; less is better.
"""

RESTORE = """## Restoration

Patches of 32 × 32 px of photographs, aged by the simulator, by a narrow restorer, 400 patches shown in 100 steps; the
losses against the truth as in the recipe `restore`, and the adversarial one with weight 0.1. Judged by the SSIM of 18
pictures of 320 px, aged otherwise than in training; more is better. SSIM and PSNR reward caution, and a critic is
there for texture, which they hardly see: this tells how much an adversarial term disturbs, not what it is good for.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page and its drawings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generate", type=Path, required=True)
    parser.add_argument("--restore", type=Path, required=True)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    given = parser.parse_args(arguments)
    parts = [HEAD]
    for name, text in (("generate", GENERATE), ("restore", RESTORE)):
        swept = _swept(name, vars(given)[name])
        parts += [text, *_section(name, swept, given.docs)]
    write_whole(given.docs / "optimizers.md", ("\n".join(part.strip() + "\n" for part in parts)).encode())


def _swept(name: str, folder: Path) -> Swept:
    asked = read_sweep(ROOT / "benchmarks" / "sweeps" / f"{name}.toml")
    data = tuple(tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))["data"])
    return collected(asked, data, folder, judged(asked))


def _section(name: str, swept: Swept, docs: Path) -> list[str]:
    found = findings(swept)
    told = counts(swept)
    lines = [
        f"{told['finished']} of {told['runs']} runs finished, {told['failed']} failed, {told['not_run']} were not run; "
        f"{told['images']:,} pictures. {_troubles(found)}"
    ]
    tried = sum(one.finished + one.failed > 0 for one in found.trials)
    if tried < len(found.trials):
        lines.append(
            f"**Not finished**: {tried} of {len(found.trials)} combinations were tried. Nothing is said of them yet."
        )
        return lines
    for file, svg in drawings(swept, found).items():
        path = write_whole(docs / "images" / f"sweep-{name}-{file}.svg", f"{svg}\n".encode())
        lines.append(f"![{file}: {swept.judged.metric}](images/{path.name})")
    for axis, values in found.axes.items():
        lines += [f"### By {axis}", _verdict(values), _piped(AXIS_HEAD, axis_rows(values))]
    lines += ["### The best trials", _best(swept, found)]
    return lines


def _verdict(values: Sequence[ValueScore]) -> str:
    """Which values are told apart from the best, and which are not."""
    if not values or not any(one.runs for one in values):
        return "No run finished."
    best = next(one for one in values if not one.pairs)
    apart = [one.label for one in values if one.adjusted < SURE]
    close = [one.label for one in values if one.pairs and not one.adjusted < SURE]
    words = [f"Best: `{best.label}`."]
    words.append(f"Worse beyond chance: {_listed(apart)}." if apart else "None is worse beyond chance.")
    if close:
        words.append(f"Not told apart from it: {_listed(close)}.")
    return " ".join(words)


def _best(swept: Swept, found: Findings) -> str:
    head = ("trial", swept.judged.metric, "95 % interval", "seeds", "p (Holm)", "seconds")
    rows = [
        (
            one.trial.name,
            number(one.mean),
            interval(one.interval),
            str(one.finished),
            chance(one.adjusted),
            f"{one.seconds:.0f}",
        )
        for one in found.trials[:SHOWN]
    ]
    return _piped(head, rows)


def _troubles(found: Findings) -> str:
    totals: dict[str, int] = {}
    for one in found.trials:
        for kind, count in one.troubles.items():
            totals[kind] = totals.get(kind, 0) + count
    if not totals:
        return "No trouble was named: runs this short end before most of them are judged."
    return "Troubles, by runs: " + ", ".join(f"{kind} {count}" for kind, count in totals.items()) + "."


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(f"`{one}`" for one in labels)


def _piped(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
