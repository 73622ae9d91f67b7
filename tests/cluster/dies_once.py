"""A worker that is killed when its second scan is in the store and nobody knows yet."""

import os
import signal

from orienteer.ingest import workers
from orienteer.ingest.job import Job, Outcome
from orienteer.ingest.prepare import prepare

seen = []


def _prepare(job: Job) -> Outcome:
    outcome = prepare(job)
    seen.append(job)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


workers.prepare = _prepare
