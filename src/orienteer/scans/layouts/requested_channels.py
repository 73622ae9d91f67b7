"""Sequences of one subject as the channels of one scan, because the user said so with ``--channels``."""

from collections.abc import Mapping, Sequence

from orienteer.scans.findings import Finding, finding
from orienteer.scans.source import Source


def scan_of_channels(
    relative: str, found: Mapping[str, Sequence[Source]], wanted: tuple[str, ...], subject: str = ""
) -> Source:
    """One scan of the wanted channels, in their order; each is resampled onto the first one's grid.

    Args:
        relative: the scan's path, of which its id is made.
        found: files by channel; a channel with none or with several makes the scan unusable, and is named.
        wanted: channels in order.
        subject: who was scanned, if known.
    """
    parts = tuple(found[name][0] for name in wanted if found.get(name))
    faults: list[Finding] = []
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        faults.append(finding("channel-missing", f"no {', no '.join(missing)}"))
    for name in wanted:
        if len(found.get(name, ())) > 1:
            paths = ", ".join(source.relative for source in found[name][:3])
            faults.append(finding("channel-ambiguous", f"{len(found[name])} files for {name}: {paths}"))
    first = parts[0]
    subjects = {part.subject for part in parts}
    patients = {part.patient for part in parts}
    return Source(
        paths=tuple(path for part in parts for path in part.paths),
        format=first.format,
        relative=relative,
        root=first.root,
        # A single wanted channel is a scan like any other.
        parts=parts if len(wanted) > 1 else (),
        resample=True,
        channel_names=wanted,
        subject=subject or (subjects.pop() if len(subjects) == 1 else ""),
        patient=patients.pop() if len(patients) == 1 else "",
        faults=tuple(faults),
    )
