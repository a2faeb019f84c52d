"""The workbench as an ASGI application, made from the table of routes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from vasari.app.web import static_files
from vasari.app.web.failures import add_handlers
from vasari.app.web.rendering import Pages
from vasari.app.web.route import Route
from vasari.app.web.routes import ROUTES
from vasari.app.web.security.guard import guarded
from vasari.app.web.security.headers import SecurityHeaders
from vasari.app.web.workbench import Workbench
from vasari.foundation.version import VERSION

DESCRIPTION = "The workbench of a Vasari archive. Send a token of your account page as `Authorization: Bearer`."


def create_app(workbench: Workbench, routes: tuple[Route, ...] = ROUTES) -> FastAPI:
    """The application over an open workbench, which stays the caller's to close."""
    app = FastAPI(
        title="Vasari",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.workbench = workbench
    app.state.static = static_files.bundled()
    app.state.pages = Pages.of(app.state.static, routes)
    for row in routes:
        _add(app, row)
    add_handlers(app)
    app.add_middleware(SecurityHeaders, settings=workbench.settings)
    return app


def _add(app: FastAPI, row: Route) -> None:
    """One row, behind its gate. Pages answer HEAD as well; the API's methods are just those it documents."""
    heads = row.method == "GET" and not row.is_documented
    app.router.add_api_route(
        row.path,
        row.endpoint,
        methods=["GET", "HEAD"] if heads else [row.method],
        status_code=row.status,
        response_class=JSONResponse,
        include_in_schema=row.is_documented,
        route_class_override=guarded(row),
    )
