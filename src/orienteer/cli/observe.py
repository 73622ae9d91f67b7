"""``orienteer observe RUN``: explore a run in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def observe(
    run: Annotated[Path, typer.Argument(help="A run folder, finished or still training, or that of `orienteer demo`.")],
    store: Annotated[
        Path | None, typer.Option(help="Store to explore; by default the store beside RUN that it was trained on.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option("--and", help="A second run, shown side by side with the first.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any other than the default lets others reach the scans.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Cores per answer; more help only if they are idle.")] = 1,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
) -> None:
    """Open a run in the browser: place views in a scan and see what the model knows about space.

    It only reads the run and the store, and serves this machine only, to anyone with the printed link.

    **Examples**

    `orienteer observe orienteer-demo`

    `orienteer observe run --store store --and other-run`
    """
    from contextlib import suppress

    from orienteer.observatory.serve import observe as serve

    with suppress(KeyboardInterrupt):  # how it is meant to end
        serve(run, store, beside=beside, host=host, port=port, threads=threads, browser=not no_browser)
