"""Find: every scan below the folder and every scan of the store, as one list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orienteer.ingest.existing import Existing
from orienteer.ingest.labels import labels_of
from orienteer.ingest.matching import Table
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.result import some
from orienteer.ingest.state import ScanState, Subject
from orienteer.scans import LaidOut, Source, lay_out
from orienteer.scans.channels import odd_channels, usual_channels
from orienteer.scans.findings import finding


@dataclass(frozen=True)
class Found:
    """What lies below the user's folders.

    Attributes:
        scans: as their layouts make them.
        labels: label files by scan; None where the user named no folder of them.
    """

    scans: LaidOut
    labels: Mapping[str, Source] | None = None


def find(scans: Path, store: Path, options: IngestOptions, table: Table, before: Existing) -> Found:
    """Search the folders of scans and labels; nothing is read but headers.

    Raises:
        OrienteerError: a folder is missing, or holds nothing of use; nothing in the table is about any scan.
    """
    labels = Path(options.labels) if options.labels else None
    apart = [store] if labels is None else [store, labels]
    found = lay_out(scans, exclude=apart, layout=options.layout, channels=options.channels)
    # Scans of an earlier folder stay in the store, and the table may be about those.
    table.check_about({*before.published, *(source.id for source in found.sources)})
    return Found(found, labels_of(labels, found.sources) if labels else None)


def list_scans(found: Found, before: Existing) -> list[ScanState]:
    """Scans that were found, in the order of their paths, then those of the store that were not.

    Left out at once are scans whose id another one has, and those with other channels than the store, or than most
    where there is no store yet. Ids are compared without case: the store may move to a disk that does not tell case
    apart.
    """
    first: dict[str, Source] = {}
    for source in found.scans.sources:
        first.setdefault(source.id.casefold(), source)
    manifest = before.manifest
    usual = manifest.kind if manifest and manifest.scans else usual_channels(s.kind for s in first.values())
    states = []
    for source in found.scans.sources:
        owner = first[source.id.casefold()]
        if owner is not source:
            twin = ScanState(f"{source.id} ({source.relative})", source=source)
            message = f"{owner.relative} has the id {source.id} as well, and is kept"
            states.append(twin.leave_out(finding("duplicate-id", message)))
            continue
        state = _found(source, found.labels, before)
        odd = odd_channels(source.kind, usual)
        states.append(state.leave_out(odd) if odd else state)
    here = {source.id for source in first.values()}
    for name, stored in before.published.items():
        if name not in here:
            states.append(ScanState(name, "gone", stored=stored, earlier=stored.subject))
    return states


def notes_on_labels(states: Sequence[ScanState], found: Found) -> tuple[str, ...]:
    """A note on scans without labels, where the user named a folder of them."""
    fitting = [state for state in states if state.status == "found"]
    bare = sorted(state.name for state in fitting if state.labels is None)
    told = found.labels is not None and bare
    return (f"no labels for {len(bare)} of {len(fitting)} scans: {some(bare)}",) if told else ()


def _found(source: Source, labels: Mapping[str, Source] | None, before: Existing) -> ScanState:
    stored = before.stored.get(source.id)
    return ScanState(
        source.id,
        source=source,
        labels=(labels or {}).get(source.id, source.labels),
        stored=stored,
        earlier=stored.subject if stored else None,
        from_layout=Subject(source.person or source.id, source.split) if source.person or source.split else None,
    )
