"""A worker that the scan ``case_1`` kills."""

import os
import signal

from orienteer.ingest import workers
from orienteer.ingest.job import Job, Outcome
from orienteer.ingest.prepare import prepare


def _prepare(job: Job) -> Outcome:
    if job.source.id == "case_1":
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare(job)


workers.prepare = _prepare
