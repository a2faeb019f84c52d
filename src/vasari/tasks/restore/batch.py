"""A batch of files restored into a folder, by the batch that all tasks share. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vasari.foundation.execute import Executor
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.terms import DEFAULT_JOBS, BatchOptions, Silent, Summary, Watch
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork

__all__ = ["DEFAULT_JOBS", "BatchOptions", "Silent", "Summary", "Watch", "restore_files"]


def restore_files(
    inputs: Sequence[str | Path],
    options: BatchOptions,
    plan: RestorePlan | None = None,
    watch: Watch | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Restore files, folders and globs into `options.output`, each page once; see `docs/restore.md`.

    With an `executor` its workers treat the pages, as `treat_files` tells.
    A page that cannot be restored is in the ledger with its reason, and the rest goes on. Raises
    `PlanError` (no input, a folder in use), `WeightsError`, and `WriteError` where the ledger cannot be kept.
    """
    return treat_files(inputs, options, RestoreWork.of(plan or RestorePlan()), watch, executor)
