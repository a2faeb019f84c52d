"""How the command line speaks: errors with a remedy, sizes and times in words. Plain functions."""

from __future__ import annotations

from contextvars import ContextVar

# Set by `main` while a command runs, from --debug and VASARI_DEBUG, which every command takes.
TRACEBACKS_WANTED: ContextVar[bool] = ContextVar("TRACEBACKS_WANTED", default=False)


def error_lines(message: str, remedy: str) -> str:
    """An error as people see it: what came and the rule, and below it what to do."""
    head = f"vasari: {message}"
    return f"{head}\n  remedy: {remedy}" if remedy else head


def duration(seconds: float) -> str:
    """Seconds in words: 12 s, 3 min 20 s, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """1 picture, 2 pictures."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
