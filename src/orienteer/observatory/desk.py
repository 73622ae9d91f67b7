"""What the routes share: the sessions, and one thread in which all predictions are made in turn."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fastapi import Response
from pydantic import BaseModel

from orienteer.observatory.refusal import Refusal
from orienteer.observatory.responses import LookResponse, PrepareResponse, WhereResponse
from orienteer.observatory.session import Session

if TYPE_CHECKING:
    from orienteer.observatory.predict import Predictor


class Desk:
    """Knows which runs are open, and asks their models.

    Args:
        sessions: by their key; the first one's store is shown.
        threads: cores that one prediction may use.
    """

    def __init__(self, sessions: Mapping[str, Session], threads: int) -> None:
        self.sessions, self.threads = dict(sessions), threads
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._predictor: Predictor | None = None

    @property
    def first(self) -> Session:
        """The run whose store is shown."""
        return next(iter(self.sessions.values()))

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

    def warm(self) -> None:
        """Load the first run's model and let it answer once, in the predicting thread, before anybody asks.

        What goes wrong is told to whoever asks.
        """

        def work() -> None:
            session = self.first
            scan = session.scans()[0].id
            self.predictor.look(
                session, session.best_step, scan, session.draw(scan, session.run.settings.views.count, 1)
            )

        self.thread.submit(work)

    async def predict(self, work: Callable[["Predictor"], LookResponse | PrepareResponse | WhereResponse]) -> Response:
        """Do ``work`` in the predicting thread; says how long it took there."""

        def timed() -> Response:
            begun = time.perf_counter()
            answer = work(self.predictor)
            took = (time.perf_counter() - begun) * 1000
            return as_json(answer.model_copy(update={"milliseconds": took}))

        return await asyncio.get_running_loop().run_in_executor(self.thread, timed)


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """Floats as Python writes them: read back, they are the same floats."""
    text = json.dumps(answer.model_dump(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode(), status, media_type="application/json")
