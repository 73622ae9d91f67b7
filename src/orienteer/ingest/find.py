"""Find: every scan below the folder and every scan of the store, as one list."""

from collections.abc import Sequence
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.existing import Existing, Stored, Subject
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.result import nothing_usable
from orienteer.ingest.state import ScanState
from orienteer.ingest.table import Table
from orienteer.scans.channels import odd_channels, usual_channels
from orienteer.scans.dicom.patient import patient_at
from orienteer.scans.findings import finding
from orienteer.scans.formats.isolated import end_readers
from orienteer.scans.labels.find import find_scans
from orienteer.scans.layouts.lay_out import LaidOut
from orienteer.scans.proposal import propose_spacing
from orienteer.scans.reading import inspect
from orienteer.scans.source import Source
from orienteer.store.manifest import Manifest, Parameters


def find(scans: Path, store: Path, options: IngestOptions, table: Table, before: Existing) -> LaidOut:
    """Search the folders of scans and labels; nothing is read but headers.

    Returns:
        the scans as their layouts make them, each with its labels: the folder that the user names wins over the layout.

    Raises:
        OrienteerError: a folder is missing, or holds nothing of use; nothing in the table is about any scan.
    """
    folder = Path(options.labels) if options.labels else None
    found = find_scans(scans, folder, exclude=[store], layout=options.layout, channels=options.channels)
    # Scans of an earlier folder stay in the store, and the table may be about those.
    table.check_about({*before.published, *(source.id for source in found.sources)})
    return found


def list_scans(sources: Sequence[Source], before: Existing) -> list[ScanState]:
    """Scans that were found, in the order of their paths, then those of the store that were not.

    Left out at once: scans whose id is taken, and scans with other channels than the store (than most scans, where
    there is no store yet). Ids are compared without case, because the store may move to a disk that ignores case.
    """
    first: dict[str, Source] = {}
    for source in sources:
        first.setdefault(source.id.casefold(), source)
    manifest = before.manifest
    usual = manifest.kind if manifest and manifest.scans else usual_channels(s.channels for s in first.values())
    states = []
    for source in sources:
        owner = first[source.id.casefold()]
        if owner is source:
            odd = odd_channels(source.channels, usual)
            state = _found(source, before)
            states.append(state.leave_out(odd) if odd else state)
        else:
            twin = ScanState(f"{source.id} ({source.relative})", source=source)
            message = f"{owner.relative} has the id {source.id} as well, and is kept"
            states.append(twin.leave_out(finding("duplicate-id", message)))
    here = {source.id for source in first.values()}
    gone = [(name, stored) for name, stored in before.published.items() if name not in here]
    return states + [_gone(name, stored) for name, stored in gone]


def _gone(name: str, stored: Stored) -> ScanState:
    """A scan of another folder, or one whose file was removed; what is kept of no scan is read of the file again."""
    files = stored.record.files if stored.record else ()
    patient = patient_at(Path(files[0].path)) if files else ""
    return ScanState(name, "gone", stored=stored, patient=patient, earlier=stored.subject)


def _found(source: Source, before: Existing) -> ScanState:
    stored = before.stored.get(source.id)
    return ScanState(
        source.id,
        source=source,
        stored=stored,
        patient=source.patient,
        earlier=stored.subject if stored else None,
        from_layout=Subject(source.subject or source.id, source.split) if source.subject or source.split else None,
    )


def choose_parameters(
    states: Sequence[ScanState], manifest: Manifest | None, options: IngestOptions
) -> tuple[Parameters, str]:
    """The store's spacing and convention, else what was asked for, else what is proposed; and why it is coarser.

    Raises:
        StoreError: spacing or convention contradict the store's, or no scan tells a spacing.
    """
    wanted, convention = options.spacing, options.convention
    if manifest:
        if wanted is not None and wanted != manifest.spacing:
            raise StoreError(
                f"the store has a spacing of {manifest.spacing:g} mm, asked for are {wanted:g} mm",
                cure="leave out --spacing, or ingest into another folder",
            )
        if options.intensities is not None and convention != manifest.convention:
            raise StoreError(
                f"the store has intensities {manifest.convention}, asked for are {convention}",
                cure="leave out --intensities, or ingest into another folder",
            )
        return Parameters.of(manifest.spacing, manifest.convention), ""
    if wanted is not None:
        return Parameters.of(wanted, convention), ""
    infos = [inspect(state.source, voxels=False) for state in states if state.source and state.status == "found"]
    end_readers()
    proposed = propose_spacing(infos, options.budget)
    if proposed is None:
        raise nothing_usable({info.id: info.findings for info in infos})
    coarser = proposed.spacing != proposed.own
    return Parameters.of(proposed.spacing, convention), f"spacing {proposed.reason}" if coarser else ""
