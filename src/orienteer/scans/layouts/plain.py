"""Any folder: each file a scan, unless the user says which names are the channels of one."""

import re
from collections import defaultdict
from collections.abc import Sequence

from orienteer.errors import OrienteerError
from orienteer.scans.discover import Skipped
from orienteer.scans.layouts.layout import Layout, Part, describe
from orienteer.scans.layouts.together import together
from orienteer.scans.source import Source, without_extension

NAME = "plain folder"


def arrange(sources: Sequence[Source], place: str = "", notes: tuple[str, ...] = ()) -> Part:
    """Every source as it is."""
    return describe(Part(Layout(NAME, place, notes=notes), list(sources)))


def arrange_channels(sources: Sequence[Source], wanted: Sequence[str]) -> Part:
    """Files (or DICOM series) of one folder whose names differ in the wanted words alone make one scan.

    ``anna/T1.nii.gz`` and ``anna/FLAIR.nii.gz`` with ``T1,FLAIR`` make ``anna``; ``017-t1.mha`` and ``017-t2.mha``
    with ``t1,t2`` make ``017``. All other files are passed over.

    Raises:
        OrienteerError: no name ends in any of the words.
    """
    cases: dict[str, dict[str, list[Source]]] = defaultdict(lambda: defaultdict(list))
    part = Part(Layout(NAME, channels=tuple(wanted)))
    for source in sources:
        match = next(((c, w) for w in wanted if (c := _case(source, w)) is not None), None)
        if match is None:
            part.skipped.append(Skipped(source.relative, "skipped-channel"))
        else:
            cases[match[0]][match[1]].append(source)
    if not cases:
        raise OrienteerError(
            f"no scan's name ends in {' or '.join(wanted)}",
            cure="name in --channels the words in which the files' names differ",
        )
    part.sources = [together(case, found, tuple(wanted)) for case, found in cases.items()]
    return describe(part)


def _case(source: Source, word: str) -> str | None:
    """The path without the word that names the channel; None where it does not end in that word."""
    stem = without_extension(source.relative)
    if stem.casefold() == word.casefold():
        return source.root.resolve().name
    match = re.match(rf"^(?P<case>.+)[-_./]{re.escape(word)}$", stem, re.IGNORECASE)
    return match["case"] if match else None
