"""What every stage of an ingest may look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.existing import Existing
from orienteer.ingest.matching import Table
from orienteer.ingest.options import SPACING_MM, IngestOptions
from orienteer.ingest.result import nothing_usable
from orienteer.ingest.state import ScanState
from orienteer.scans import LaidOut, inspect
from orienteer.scans.cohort import cohort_spacing
from orienteer.store.manifest import Manifest, Parameters


@dataclass(frozen=True)
class Context:
    """One ingest, apart from its scans; the same from the first stage to the last.

    Attributes:
        store: the folder.
        options: what the user chose.
        table: the user's table.
        found: what lies below the folder of scans.
        before: what the store held.
        parameters: what the voxels will depend on.
    """

    store: Path
    options: IngestOptions
    table: Table
    found: LaidOut
    before: Existing
    parameters: Parameters


def choose_parameters(states: Sequence[ScanState], manifest: Manifest | None, wanted: float | None) -> Parameters:
    """The store's spacing, else the one that is ``wanted`` (mm), else the median of the scans'.

    Raises:
        StoreError: the spacing contradicts the store's, or no scan tells one.
    """
    if manifest:
        if wanted is not None and wanted != manifest.spacing:
            raise StoreError(
                f"the store has a spacing of {manifest.spacing:g} mm, asked for are {wanted:g} mm",
                cure="leave out --spacing, or ingest into another folder",
            )
        return Parameters(spacing=manifest.spacing)
    if wanted is not None:
        return Parameters(spacing=wanted)
    infos = [inspect(state.source, voxels=False) for state in states if state.source and state.status == "found"]
    median = cohort_spacing(infos)
    if median is None:
        raise nothing_usable({info.id: info.findings for info in infos})
    return Parameters(spacing=max(median, SPACING_MM[0]))
