"""What is answered: one model for each answer, checked when it is made. Needs no torch.

Names, nulls and units are those of the JSON. ``docs/make_api.py`` turns these classes, with the sentence below each
field, into ``web/src/api-types.ts`` and ``docs/reference/observatory.md``.
"""

from orienteer.observatory.responses.base import Answer, ErrorResponse, Problem
from orienteer.observatory.responses.judgement import JudgeResponse
from orienteer.observatory.responses.predictions import LookResponse, PrepareResponse, WhereResponse
from orienteer.observatory.responses.session import DrawResponse, RunFacts, ScanFacts, SessionResponse
from orienteer.observatory.responses.training import History, LiveResponse

__all__ = [
    "Answer",
    "DrawResponse",
    "ErrorResponse",
    "History",
    "JudgeResponse",
    "LiveResponse",
    "LookResponse",
    "PrepareResponse",
    "Problem",
    "RunFacts",
    "ScanFacts",
    "SessionResponse",
    "WhereResponse",
]
