"""What may be asked, strictly: unknown keys, wrong types, numbers out of range and odd ids are refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RunKey = Literal["a", "b"]
ScanId = Annotated[str, Field(min_length=1, max_length=200)]
"""Compared with the ids of the store, never used as a path."""
Millimetres = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Place = Annotated[list[Millimetres], Field(min_length=3, max_length=3)]
Step = Annotated[int, Field(ge=0, le=10**12)]
MOST_VIEWS = 16
"""As many as a run may have (``views.count``), so that every sample of it can be opened."""
ProbeName = Annotated[str, Field(min_length=1, max_length=100)]


class Request(BaseModel):
    """Base of every request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class DrawRequest(Request):
    """Where would evaluation place views?"""

    run: RunKey = "a"
    """The run."""
    scan: ScanId
    """The scan."""
    count: int = Field(3, ge=2, le=MOST_VIEWS)
    """Number of views."""
    seed: int = Field(0, ge=0, le=2**31 - 1)
    """Number of the draw."""


class LookRequest(Request):
    """What does the model say of these views?"""

    run: RunKey = "a"
    """The run."""
    step: Step | None = None
    """A kept step; null is the best one."""
    scan: ScanId
    """The scan."""
    centres_mm: Annotated[list[Place], Field(min_length=2, max_length=MOST_VIEWS)]
    """Centres of the views along R, A, S, mm."""
    probe: ProbeName | None = None
    """An honesty probe, by a name of ``SessionResponse.probes``: what is done to the views first."""
    probe_view: Annotated[int, Field(ge=0, le=MOST_VIEWS - 1)] | None = None
    """The one view it is done to; null is all of them."""


class PrepareRequest(Request):
    """Let the model see a whole scan."""

    run: RunKey = "a"
    """The run."""
    step: Step | None = None
    """A kept step; null is the best one."""
    scan: ScanId
    """The scan."""


class WhereRequest(Request):
    """Where in the scan ``target`` is what lies at this point of ``scan``?"""

    run: RunKey = "a"
    """The run."""
    step: Step | None = None
    """A kept step; null is the best one."""
    scan: ScanId
    """The scan the point is in."""
    point_mm: Place
    """The point along R, A, S, mm; the voxel nearest to it is taken."""
    target: ScanId
    """The scan it is looked for in."""
