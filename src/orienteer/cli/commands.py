"""The list of commands; importing it registers them. One line each."""

from orienteer.cli import (
    check,  # noqa: F401
    ingest,  # noqa: F401
    pretrain,  # noqa: F401
    evaluate,  # noqa: F401
    report,  # noqa: F401
    demo,  # noqa: F401
)
