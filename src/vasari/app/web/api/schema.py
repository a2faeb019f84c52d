"""The OpenAPI document of what lies under /api/v1."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from vasari.app.web.route import Role, Route


def openapi(request: Request) -> dict[str, Any]:
    """The description of the API, for programs that make clients or test it."""
    return request.app.openapi()


ROUTES = (Route("GET", "/api/v1/openapi.json", openapi, Role.VIEWER),)
