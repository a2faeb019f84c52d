"""The version of the software, as it stands in every treatment record; `pyproject.toml` carries the same."""

VERSION = "0.1.0"
