"""Pages out of templates: escaped, in the visitor's language and theme, with the addresses of scripts and styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vasari.app.settings import LANGUAGES
from vasari.app.web.route import Role, Route
from vasari.app.web.static_files import StaticFiles
from vasari.app.web.texts import Texts
from vasari.app.web.wording import decade, figure, measure
from vasari.app.web.workbench import Visitor, visitor_of, workbench_of

FOLDER = Path(__file__).parent / "templates"

#: The main navigation, in order: address and text. A visitor sees what exists and their role may open.
NAVIGATION = (
    ("/", "Gallery"),
    ("/restore", "Restore"),
    ("/style", "Style"),
    ("/generate", "Generate"),
    ("/time", "Time"),
    ("/lab", "Lab"),
    ("/jobs", "Jobs"),
    ("/admin", "Administration"),
)


@dataclass(frozen=True)
class Pages:
    """All templates of the workbench, ready to be filled in."""

    environment: Environment
    texts: Texts
    static: StaticFiles
    roles: Mapping[str, Role]

    @classmethod
    def of(cls, static: StaticFiles, routes: tuple[Route, ...]) -> Pages:
        """The templates of the package; `routes` says which pages there are."""
        environment = Environment(
            loader=FileSystemLoader(FOLDER),
            auto_reload=False,  # templates are the package's own: nobody changes them under a running server
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["moment"] = moment
        roles = {row.path: row.role for row in routes if row.method == "GET"}
        return cls(environment, Texts.read(), static, roles)

    def fill(self, request: Request, visitor: Visitor, template: str, values: Mapping[str, Any]) -> str:
        """A template with `values` and what every page has: `_`, `told`, `static`, `visitor`, `csrf`, `navigation`."""

        def translated(text: str, /, **named: Any) -> str:
            return self.texts.say(visitor.language, text, **named)

        common = {
            "_": translated,
            "told": partial(self.texts.told, visitor.language),
            "decade": partial(decade, translated),
            "figure": partial(figure, translated),
            "measure": partial(measure, translated),
            "static": self.static.address,
            "visitor": visitor,
            "csrf": visitor.csrf,
            "language": visitor.language,
            "languages": LANGUAGES,
            "theme": visitor.theme,
            "path": request.url.path,
            "here": _here(request),
            "navigation": self._navigation(visitor),
            "Role": Role,
            "is_local": workbench_of(request).settings.is_local,
        }
        return self.environment.get_template(template).render({**common, **values})

    def _navigation(self, visitor: Visitor) -> list[tuple[str, str]]:
        return [(path, text) for path, text in NAVIGATION if path in self.roles and visitor.role >= self.roles[path]]


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page, or a piece of one for htmx, for the visitor of the request."""
    pages: Pages = request.app.state.pages
    text = pages.fill(request, visitor_of(request), template, values)
    return HTMLResponse(text, status_code=status, headers=dict(headers or {}))


def say(request: Request, text: str, /, **values: Any) -> str:
    """A text in the visitor's language, for answers that are made without a template."""
    pages: Pages = request.app.state.pages
    return pages.texts.say(visitor_of(request).language, text, **values)


def told(request: Request, text: str) -> str:
    """What a failure says, in the visitor's language."""
    pages: Pages = request.app.state.pages
    return pages.texts.told(visitor_of(request).language, text)


def _here(request: Request) -> str:
    """The address of the page, with its question, to come back to; the start where it is the answer to a form."""
    if request.method not in ("GET", "HEAD"):
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def moment(seconds: float) -> str:
    """Seconds since 1970 as people read them, in UTC: 2026-11-21 18:20."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
