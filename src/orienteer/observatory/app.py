"""The routes of the observatory, and nothing else: check, ask the one who knows, answer."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from orienteer import __version__
from orienteer.errors import OrienteerError
from orienteer.observatory.guard import Guard
from orienteer.observatory.judge import judgement
from orienteer.observatory.pages import Pages
from orienteer.observatory.refusal import Refusal, refusal_of
from orienteer.observatory.requests import DrawRequest, LookRequest, WhereRequest
from orienteer.observatory.session import Session
from orienteer.observatory.volume import nifti

if TYPE_CHECKING:
    from orienteer.observatory.predict import Predictor

STATIC = Path(__file__).parent / "static"


class Desk:
    """Holds what the routes share: the sessions, and one thread in which all predictions are made in turn.

    Args:
        sessions: by their key.
        threads: cores that one prediction may use.
    """

    def __init__(self, sessions: Mapping[str, Session], threads: int) -> None:
        self.sessions, self.threads = dict(sessions), threads
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._predictor: Predictor | None = None

    def session(self, key: str) -> Session:
        """One of the runs.

        Raises:
            Refusal: there is no such run here.
        """
        if key not in self.sessions:
            raise Refusal(404, "no-run", "no run of that key is open", f"choose from {', '.join(self.sessions)}")
        return self.sessions[key]

    @property
    def predictor(self) -> "Predictor":
        """Made, and torch imported, when first asked for; in the predicting thread only."""
        if self._predictor is None:
            from orienteer.observatory.predict import Predictor

            self._predictor = Predictor(self.threads)
        return self._predictor

    async def predict(self, work: Callable[["Predictor"], dict[str, Any]]) -> Response:
        """Do ``work`` in the predicting thread; says how long it took there."""

        def timed() -> bytes:
            begun = time.perf_counter()
            answer = work(self.predictor)
            return _json({**answer, "milliseconds": (time.perf_counter() - begun) * 1000})

        answer = await asyncio.get_running_loop().run_in_executor(self.thread, timed)
        return Response(answer, media_type="application/json")


def _json(answer: dict[str, Any]) -> bytes:
    """Floats as Python writes them: read back, they are the same floats. A heat map has 25,000 of them."""
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()


def create_app(
    sessions: Mapping[str, Session],
    *,
    token: str,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 1,
    static: Path = STATIC,
) -> ASGIApp:
    """The whole application, guarded.

    Args:
        sessions: one run, or two of one store, by key; the first one's store is shown.
        token: the secret in the link.
        host: the address the server listens on.
        port: its port, part of the cookie's name.
        threads: cores that one prediction may use.
        static: folder of the page's files.
    """
    desk = Desk(sessions, threads)
    app = FastAPI(title="Orienteer observatory", openapi_url=None, docs_url=None, redoc_url=None)
    _errors(app, desk)
    _reading(app, desk)
    _predicting(app, desk)
    _page(app, Pages(static))
    return Guard(app, token=token, host=host, cookie=f"orienteer_token_{port}")


def _reading(app: FastAPI, desk: Desk) -> None:
    """Answers from records and the store alone."""
    store = next(iter(desk.sessions.values())).store

    @app.get("/api/session")
    def session() -> dict[str, Any]:
        runs = list(desk.sessions.values())
        return {"version": __version__, "runs": [run.facts() for run in runs], "scans": runs[0].scans()}

    @app.get("/api/scan/{scan}.nii")
    def scan(scan: str, channel: int = 0) -> Response:
        first = next(iter(desk.sessions.values()))
        entry = store.entry(first.scan(scan))
        if not 0 <= channel < entry.channels:
            raise Refusal(404, "no-channel", "the scan has no such channel", f"it has {entry.channels}, from 0")
        # The guard says no-store: a port and an id name another person's scan when another store is served, and images
        # of patients do not belong in a browser's cache. The page holds what it shows in memory.
        return Response(nifti(store, scan, channel), media_type="application/octet-stream")

    @app.post("/api/draw")
    def draw(asked: DrawRequest) -> dict[str, Any]:
        return {"centres_mm": desk.session(asked.run).draw(asked.scan, asked.count, asked.seed)}

    @app.get("/api/history/{run}")
    def history(run: str) -> dict[str, Any]:
        return desk.session(run).history()

    @app.get("/api/judge/{run}")
    def judge(run: str, evaluation: str | None = None) -> dict[str, Any]:
        return judgement(desk.session(run), evaluation)

    @app.get("/api/live/{run}")
    def live(run: str, since: int = -1) -> dict[str, Any]:
        return desk.session(run).news(since)


def _predicting(app: FastAPI, desk: Desk) -> None:
    """Answers that need the model."""

    @app.post("/api/look")
    async def look(asked: LookRequest) -> Response:
        session = desk.session(asked.run)
        session.room_for(len(asked.centres_mm))
        scan, step = session.scan(asked.scan), session.step(asked.step)

        def work(predictor: "Predictor") -> dict[str, Any]:
            from orienteer.observatory.answers import look_answer

            places, probe, view = asked.centres_mm, asked.probe, asked.probe_view
            return look_answer(predictor.look(session, step, scan, places, probe=probe, probe_view=view))

        return await desk.predict(work)

    @app.post("/api/where")
    async def where(asked: WhereRequest) -> Response:
        session = desk.session(asked.run)
        scan, target, step = session.scan(asked.scan), session.scan(asked.target), session.step(asked.step)

        def work(predictor: "Predictor") -> dict[str, Any]:
            from orienteer.observatory.answers import where_answer

            return where_answer(predictor.where(session, step, scan, asked.centre_mm, target))

        return await desk.predict(work)


def _page(app: FastAPI, pages: Pages) -> None:
    """The page's own files, known by name when the server starts."""

    @app.get("/{name:path}")
    def page(name: str) -> Response:
        return pages.answer(name)


def _errors(app: FastAPI, desk: Desk) -> None:
    """Every refusal has one form."""
    names = {run.run.path: run.name for run in desk.sessions.values()}
    names |= {run.store.path: "store" for run in desk.sessions.values()}

    def answer(refusal: Refusal) -> JSONResponse:
        return JSONResponse(refusal.body(), status_code=refusal.status)

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> JSONResponse:
        return answer(error)

    @app.exception_handler(OrienteerError)
    async def failed(_: Request, error: OrienteerError) -> JSONResponse:
        return answer(refusal_of(error, names))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        malformed = first["type"] == "json_invalid"
        return answer(
            Refusal(400, "malformed", "the request is not JSON")
            if malformed
            else Refusal(422, "invalid", f"{place}: {first['msg']}", "see docs/reference/observatory.md")
        )

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> JSONResponse:
        codes = {404: "not-found", 405: "wrong-method", 400: "malformed"}
        return answer(Refusal(error.status_code, codes.get(error.status_code, "refused"), str(error.detail)))

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> JSONResponse:
        return answer(Refusal(500, "internal", f"the server failed: {type(error).__name__}", "please report it"))
