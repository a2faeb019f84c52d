"""Secrets of sessions and tokens: made of 256 random bits, kept only as their digests."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, as text of 43 characters that may stand in a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept of a secret. It has 256 bits, so that a fast hash without salt betrays nothing."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
