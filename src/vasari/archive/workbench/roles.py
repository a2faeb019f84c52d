"""Who may do how much: four roles, each with all that those before it may."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What a visitor may: see the log-in page, look, work, and govern."""

    PUBLIC = 0
    VIEWER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role in lower case, as commands and the API write it: `viewer`."""
        return self.name.lower()


#: The roles that an account or a token can have.
GIVEN = {role.word: role for role in Role if role is not Role.PUBLIC}
