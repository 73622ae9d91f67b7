"""The list of commands; importing it registers them. One line each."""

from orienteer.cli import (
    check,  # noqa: F401
    ingest,  # noqa: F401
)
