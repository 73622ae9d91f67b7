"""The routes of the observatory, and nothing else: check, ask the one who knows, answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from orienteer import __version__
from orienteer.errors import OrienteerError
from orienteer.evaluation.probes import PROBES, probe_of
from orienteer.observatory import responses, training
from orienteer.observatory.desk import Desk, as_json
from orienteer.observatory.guard import Guard
from orienteer.observatory.judge import judgement
from orienteer.observatory.pages import Pages
from orienteer.observatory.refusal import Refusal, refusal_of
from orienteer.observatory.requests import DrawRequest, LookRequest, PrepareRequest, WhereRequest
from orienteer.observatory.session import Session
from orienteer.observatory.volume import nifti

if TYPE_CHECKING:
    from orienteer.observatory.predict import Predictor

STATIC = Path(__file__).parent / "static"


def create_app(
    sessions: Mapping[str, Session],
    *,
    token: str,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 1,
    static: Path = STATIC,
    warm: bool = False,
) -> ASGIApp:
    """The whole application, guarded.

    Args:
        sessions: one run, or two of one store, by key; the first one's store is shown.
        token: the secret in the link.
        host: the address the server listens on.
        port: its port, part of the cookie's name.
        threads: cores that one prediction may use.
        static: folder of the page's files.
        warm: load the first run's model at once, so that the first answer does not wait for it.
    """
    desk = Desk(sessions, threads)
    if warm:
        desk.warm()
    app = create_api(desk)
    _errors(app, desk)
    _page(app, Pages(static))
    return Guard(app, token=token, host=host, cookie=f"orienteer_token_{port}")


def create_api(desk: Desk) -> FastAPI:
    """The questions and answers alone; ``create_api(Desk({}, 1)).openapi()`` is their schema."""
    app = FastAPI(
        title="Orienteer observatory",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": responses.ErrorResponse}, "5XX": {"model": responses.ErrorResponse}},
    )
    _reading(app, desk)
    _predicting(app, desk)
    return app


def _reading(app: FastAPI, desk: Desk) -> None:
    """Answers from records and the store alone."""

    @app.get("/api/session", response_model=responses.SessionResponse)
    def session() -> Response:
        """The runs that are open, the scans of their store, and what can be done to views before a model sees them."""
        runs = [run.facts() for run in desk.sessions.values()]
        probes = [probe.card for probe in PROBES.values()]
        return as_json(
            responses.SessionResponse(version=__version__, runs=runs, scans=desk.first.scans(), probes=probes)
        )

    @app.get("/api/scan/{scan}.nii", response_class=Response)
    def scan(scan: str, channel: int = 0) -> Response:
        """The stored scan as uncompressed NIfTI-1, 16 bits, in its own frame (axes R, A, S, origin 0).

        ``cal_min`` and ``cal_max`` are the robust window. The browser is told not to keep it (``no-store``): another
        store may name another person so.
        """
        store = desk.first.store
        entry = store.entry(desk.first.scan(scan))
        if not 0 <= channel < entry.channels:
            raise Refusal(404, "no-channel", "the scan has no such channel", f"it has {entry.channels}, from 0")
        # The guard says no-store: a port and an id name another person's scan when another store is served, and images
        # of patients do not belong in a browser's cache. The page holds what it shows in memory.
        return Response(nifti(store, scan, channel), media_type="application/octet-stream")

    @app.post("/api/draw", response_model=responses.DrawResponse)
    def draw(asked: DrawRequest) -> Response:
        """Views placed the way evaluation places them."""
        centres = desk.session(asked.run).draw(asked.scan, asked.count, asked.seed)
        return as_json(responses.DrawResponse(centres_mm=centres))

    @app.get("/api/history/{run}", response_model=responses.History)
    def history(run: str) -> Response:
        """The curves of training."""
        return as_json(training.history(desk.session(run)))

    @app.get("/api/live/{run}", response_model=responses.LiveResponse)
    def live(run: str, since: int = -1) -> Response:
        """What there is from step ``since`` on of a run that may still be training."""
        return as_json(training.news(desk.session(run), since))

    @app.get("/api/judge/{run}", response_model=responses.JudgeResponse)
    def judge(run: str, evaluation: str | None = None) -> Response:
        """Where the run is right and where it is wrong, in the evaluation named or in the one the verdict rests on."""
        return as_json(judgement(desk.session(run), evaluation))


def _predicting(app: FastAPI, desk: Desk) -> None:
    """Answers that need the model."""

    @app.post("/api/look", response_model=responses.LookResponse)
    async def look(asked: LookRequest) -> Response:
        """What the model says of 2 to 16 views; where a task walks paths, of 6 at most, or as many as the run had."""
        session = desk.session(asked.run)
        scan, step = session.scan(asked.scan), session.step(asked.step)
        if asked.probe is not None:
            probe_of(asked.probe)

        def work(predictor: "Predictor") -> responses.LookResponse:
            from orienteer.observatory.answers import look_answer

            places, probe, view = asked.centres_mm, asked.probe, asked.probe_view
            return look_answer(predictor.look(session, step, scan, places, probe=probe, probe_view=view))

        return await desk.predict(work)

    @app.post("/api/prepare", response_model=responses.PrepareResponse)
    async def prepare(asked: PrepareRequest) -> Response:
        """Let the model see a whole scan, the slow part of ``where`` in pieces that others need not wait long for."""
        session = desk.session(asked.run)
        scan, step = session.scan(asked.scan), session.step(asked.step)

        def work(predictor: "Predictor") -> responses.PrepareResponse:
            predictor.prepared(session, step, scan)
            return responses.PrepareResponse(step=step, scan=scan)

        return await desk.predict(work)

    @app.post("/api/where", response_model=responses.WhereResponse)
    async def where(asked: WhereRequest) -> Response:
        """Where in ``target`` that is what lies at a point of ``scan``, as ``orienteer locate`` finds it.

        The first question about two scans holds them against each other, which takes a second or two, and the model
        must see each of them once (``prepare``); any later point takes milliseconds.
        """
        session = desk.session(asked.run)
        scan, target, step = session.scan(asked.scan), session.scan(asked.target), session.step(asked.step)

        def work(predictor: "Predictor") -> responses.WhereResponse:
            from orienteer.observatory.answers import where_answer

            index, found = predictor.where(session, step, scan, asked.point_mm, target)
            return where_answer(step, session.store.entry(scan), index, session.store.entry(target), found)

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

    def answer(refusal: Refusal) -> Response:
        return as_json(refusal.body(), refusal.status)

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return answer(error)

    @app.exception_handler(OrienteerError)
    async def failed(_: Request, error: OrienteerError) -> Response:
        return answer(refusal_of(error, names))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        malformed = first["type"] == "json_invalid"
        return answer(
            Refusal(400, "malformed", "the request is not JSON")
            if malformed
            else Refusal(422, "invalid", f"{place}: {first['msg']}", "see docs/reference/observatory.md")
        )

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> Response:
        codes = {404: "not-found", 405: "wrong-method", 400: "malformed"}
        return answer(Refusal(error.status_code, codes.get(error.status_code, "refused"), str(error.detail)))

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        return answer(Refusal(500, "internal", f"the server failed: {type(error).__name__}", "please report it"))
