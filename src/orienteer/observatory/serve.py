"""``observe``: open a run in the browser."""

import errno
import secrets
import socket
import webbrowser
from pathlib import Path

import uvicorn
from rich.console import Console
from starlette.types import ASGIApp

from orienteer.errors import OrienteerError
from orienteer.folders import Folder, existing, in_order
from orienteer.observatory.app import create_app
from orienteer.observatory.find import find_run, find_store
from orienteer.observatory.guard import LOOPBACK
from orienteer.observatory.session import Session

MOST_CONNECTIONS = 256
"""More at once are told to come back later."""
KEEP_ALIVE_SECONDS = 60
LONGEST_HEADERS = 32 * 1024
"""Bytes."""


def open_sessions(
    run: Path | str, store: Path | str | None = None, beside: Path | str | None = None
) -> dict[str, Session]:
    """One run as ``a``, a second one of the same store as ``b``.

    Args:
        run: a run folder, or the folder of ``orienteer demo``.
        store: what to look at; by default the store beside the run from which it learned.
        beside: a second run to compare with.

    Raises:
        RunError: no run, or no store for it, or two runs that do not read one store.
        StoreError: the store cannot be read.
    """
    given = {"{}": run, "--store {}": store, "--and {}": beside}
    asked = {text: path for text, path in given.items() if path is not None}
    wanted = [existing(path, Folder.STORE if "store" in text else Folder.RUN) for text, path in asked.items()]
    in_order(f"orienteer observe {' '.join(asked)}", *wanted)
    first = find_run(Path(run))
    opened = find_store(first, None if store is None else Path(store))
    sessions = {"a": Session("a", first, opened)}
    if beside is not None:
        second = find_run(Path(beside))
        second.check_store(opened)
        sessions["b"] = Session("b", second, opened)
    return sessions


def observe(
    run: Path | str,
    store: Path | str | None = None,
    *,
    beside: Path | str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 1,
    browser: bool = True,
) -> None:
    """Serve the page until it is stopped. Reads only: neither the run nor the store is ever written to.

    Args:
        run: a run folder, finished or still training, or the folder of ``orienteer demo``.
        store: what to look at; by default the store beside the run from which it learned.
        beside: a second run to compare with, of the same spacing and channels.
        host: address to listen on; anything but this machine itself is warned of.
        port: 0 takes a free one.
        threads: cores that one prediction may use. One is fastest unless the machine is idle and the encoder large.
        browser: open the page.

    Raises:
        RunError: no run, or no store for it.
        StoreError: the store cannot be read.
        OrienteerError: the address is taken, or the web page was never built.
    """
    sessions = open_sessions(run, store, beside)
    with _listen(host, port) as listening:
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(32)
        app = create_app(sessions, token=token, host=host, port=port, threads=threads, warm=True)
        link = f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={token}"
        _say(sessions, host, link)
        if browser:
            webbrowser.open(link)
        build_server(app).run(sockets=[listening])


def build_server(app: ASGIApp) -> uvicorn.Server:
    """The server, not yet running: it logs no addresses, for the link is the key, and says nothing of itself."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=LONGEST_HEADERS,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known before the link is printed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        elsewhere = isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
        if elsewhere or isinstance(error, socket.gaierror):
            cure = "check --host: it must be an address of this machine; leave it out for this machine alone"
        else:
            cure = "leave out --port to take a free one"
        raise OrienteerError(f"cannot listen on {host} port {port}: {error}", cure=cure) from None
    listening.listen(128)
    return listening


def _say(sessions: dict[str, Session], host: str, link: str) -> None:
    console = Console(stderr=True, highlight=False)
    first = sessions["a"]
    if host not in LOOPBACK:
        console.print(
            f"warning: other machines can reach this page at {host}, unencrypted; whoever has the link sees the scans. "
            "Without --host it is this machine's alone.",
            style="bold yellow",
            markup=False,
        )
    names = " and ".join(session.name for session in sessions.values())
    console.print(f"{names} on {first.store.path}: {len(first.store.ids())} scans", markup=False)
    if not first.own_store:
        console.print("this is not the store it learned from: its splits do not say who was held out", style="yellow")
    # The link alone on standard output, so that a script can take it.
    print(link, flush=True)
    console.print("stop with Ctrl-C", style="dim")
