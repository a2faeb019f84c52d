"""No request may send more than its route lets it, whatever it says of its length."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.types import Message


def limited(request: Request, largest: int) -> Request:
    """The request, whose body cannot be read beyond `largest` bytes; refuses with 413 what says that it is longer."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > largest:
        raise _too_large(largest)
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > largest:
            raise _too_large(largest)
        return message

    return Request(request.scope, receive)


def _too_large(largest: int) -> HTTPException:
    # FastAPI lets this one through while it reads a body, and would turn an error of ours into a 400.
    return HTTPException(413, f"The request has more than {largest} bytes.")
