"""``orienteer report RUN``: the run folder as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="The folder `orienteer pretrain` wrote; it may still be training.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it; RUN/report.html by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already at --out.")] = False,
) -> None:
    """Write one self-contained HTML file that shows what was learned. It works offline, in any browser.

    It only reads the run's records, so it may be made while the run is training, and again at any time.

    **Examples**

    `orienteer report run`

    `orienteer report run --out for-the-meeting.html`
    """
    from orienteer.report import report

    typer.echo(f"report: {report(run, out, overwrite=overwrite)}")
