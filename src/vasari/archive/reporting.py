"""Questions to an archive about change over time, answered by figures with all that they rest on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.parse import DEFAULT
from vasari.archive.feature_tables import numbers
from vasari.archive.figures.drawings import comparison_figure, shares_figure, trend_figure
from vasari.archive.figures.folder import Report
from vasari.archive.figures.looks import Labels
from vasari.archive.figures.tables import comparison_data, shares_data, trend_data
from vasari.archive.query import parsed
from vasari.archive.trending import Dated, dated_works, groups_of, labels_of, measured_column
from vasari.archive.trends.changes import change_points
from vasari.archive.trends.curves import trend
from vasari.archive.trends.groups import compare
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.shares import shares
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict


@dataclass(frozen=True)
class Question:
    """What is asked: of which works, and one of what was measured (`measures`), two `groups`, or `shares` of a field.

    `query` and `groups` are texts of the query language; groups are named by their own text, or "NAME: QUERY".
    """

    query: str = ""
    measures: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    shares: str = ""
    most_classes: int = 7

    def __post_init__(self) -> None:
        if bool(self.shares) == bool(self.measures):
            raise PlanError(
                "Neither or both of measures and shares are asked for." if not self.shares else "Both are asked for.",
                remedy="name what to follow (lightness_mean ...), or give --shares FIELD",
            )
        if self.groups and (len(self.groups) != 2 or self.shares):
            raise PlanError(f"{len(self.groups)} groups are given.", remedy="give --compare twice, with a measure")


def answers(
    connection: Connection, question: Question, plan: TrendPlan | None = None, assumptions: Assumptions = DEFAULT
) -> list[Report]:
    """A report for each measure, or one of the shares; raises `PlanError` where the archive is too thin for any.

    Change points of several measures are corrected together (Holm).
    """
    plan = plan or TrendPlan()
    works = dated_works(connection, parsed(question.query), assumptions)
    asked = {"question": asdict(question), "plan": asdict(plan), "assumptions": asdict(assumptions)}
    command = command_of(question, plan, assumptions)
    if question.shares:
        return [_shares(connection, question, works, plan, asked, command)]
    if question.groups:
        return [_comparison(connection, question, name, works, plan, asked, command) for name in question.measures]
    return _trends(connection, question, works, plan, asked, command)


def _trends(
    connection: Connection, question: Question, works: Dated, plan: TrendPlan, asked: Mapping[str, Any], command: str
) -> list[Report]:
    values = {name: _values(connection, works, name) for name in question.measures}
    tables = {name: works.table(one) for name, one in values.items()}
    found = {name: trend(table, plan) for name, table in tables.items()}
    changes = change_points(tables, plan)
    reports = []
    for name, one in found.items():
        labels = _labels(name, question)
        figure = partial(trend_figure, one, changes[name], labels, plan.confidence)
        data = trend_data(one, changes[name], labels)
        rows = partial(works.rows, values[name], name)
        reports.append(Report(name, figure, data, rows, asked, command))
    return reports


def _comparison(
    connection: Connection, question: Question, name: str, works: Dated, plan: TrendPlan, asked: Mapping[str, Any],
    command: str,
) -> Report:  # fmt: skip
    values = _values(connection, works, name)
    groups = {title: parsed(text) for title, text in map(_named, question.groups)}
    of = groups_of(connection, works, groups)
    found = compare(works.table(values, of), plan)
    labels = _labels(name, question)
    rows = partial(works.rows, values, name, of)
    return Report(name, partial(comparison_figure, found, labels), comparison_data(found, labels), rows, asked, command)


def _shares(
    connection: Connection, question: Question, works: Dated, plan: TrendPlan, asked: Mapping[str, Any], command: str
) -> Report:
    of = labels_of(connection, works, question.shares, question.most_classes)
    ones = np.ones(len(works.ids))
    found = shares(works.table(ones, of), plan)
    labels = Labels(f"Shares by {question.shares}", "share of artists' votes", question.query)
    rows = partial(works.rows, ones, "counted", of)
    return Report(
        question.shares, partial(shares_figure, found, labels), shares_data(found, labels), rows, asked, command
    )


def _values(connection: Connection, works: Dated, name: str) -> np.ndarray:
    feature, place, _ = measured_column(name)
    return numbers(connection, works.ids, feature)[:, place].astype(np.float64)


def _labels(name: str, question: Question) -> Labels:
    _, _, column = measured_column(name)
    words = name.replace("_", " ")
    return Labels(words.capitalize(), column.unit or words, question.query)


def _named(text: str) -> tuple[str, str]:
    """The name and the query of a group: "France: place='France'", or the query alone."""
    name, colon, query = text.partition(": ")
    return (name.strip(), query) if colon and name.replace(" ", "").isalnum() else (text, text)


def assumed(texts: Sequence[str]) -> Assumptions:
    """The conventions of dates with changes written as NAME=VALUE ("circa_years=10"); raises `PlanError`."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise PlanError(f"--assume {text} is no NAME=VALUE.", remedy="write it as circa_years=10")
        values[name.strip()] = value.strip()
    kinds = {field.name: type(field.default) for field in fields(Assumptions)}
    read: dict[str, object] = {}
    for name, value in values.items():
        if name not in kinds:
            raise PlanError(f"{name!r} is no convention of dates.", remedy=f"use one of {', '.join(kinds)}")
        try:
            read[name] = tuple(map(float, value.split(","))) if kinds[name] is tuple else int(value)
        except ValueError:
            raise PlanError(f"{name}={value} is not understood.", remedy="give a number, or two with a comma") from None
    return from_dict(Assumptions, read, where="--assume")


def command_of(question: Question, plan: TrendPlan, assumptions: Assumptions) -> str:
    """The command line that asks the same again, with every option that is not the default."""
    words: list[str] = [*question.measures]
    for name, value in (("--query", question.query), ("--shares", question.shares)):
        words += [name, value] if value else []
    for group in question.groups:
        words += ["--compare", group]
    if question.most_classes != Question.most_classes:
        words += ["--most-classes", str(question.most_classes)]
    for field in fields(plan):
        if getattr(plan, field.name) != field.default:
            words += ["--" + field.name.replace("_", "-"), str(getattr(plan, field.name))]
    for field in fields(assumptions):
        if getattr(assumptions, field.name) != field.default:
            words += ["--assume", f"{field.name}={_told(getattr(assumptions, field.name))}"]
    return "vasari archive trends " + shlex.join(words)


def _told(value: float | Sequence[float]) -> str:
    return ",".join(map(repr, value)) if isinstance(value, tuple) else str(value)
