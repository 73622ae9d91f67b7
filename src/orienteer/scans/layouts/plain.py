"""Any folder: each file a scan, unless the user says which names are the channels of one."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.layouts.layout import Arranged, Dataset, Layout
from orienteer.scans.layouts.requested_channels import scan_of_channels
from orienteer.scans.source import Skipped, Source


class PlainLayout(Layout):
    """Recognises nothing, and takes whatever the other layouts leave."""

    name = "plain"
    title = "plain folder"
    looks_like = "a plain folder may hold scans of any name"

    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """See ``Layout.recognise``."""
        return None

    def claim(self, folder: Path, sources: Sequence[Source], channels: int | None = None) -> Dataset | None:
        """See ``Layout.claim``."""
        return Dataset(folder)

    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        """Every file as it is; or, with ``wanted``, files of one folder that differ in these words alone as one scan.

        ``anna/T1.nii.gz`` and ``anna/FLAIR.nii.gz`` with ``T1,FLAIR`` make ``anna``; ``017-t1.mha`` and ``017-t2.mha``
        with ``t1,t2`` make ``017``. All other files are passed over.

        Raises:
            OrienteerError: no name ends in any of the words.
        """
        if not wanted:
            return self.arranged(dataset, root, sources)
        cases: dict[str, dict[str, list[Source]]] = defaultdict(lambda: defaultdict(list))
        skipped = []
        for source in sources:
            match = next(((c, w) for w in wanted if (c := _case(source, w)) is not None), None)
            if match is None:
                skipped.append(Skipped(source.relative, "skipped-channel"))
            else:
                cases[match[0]][match[1]].append(source)
        if not cases:
            raise OrienteerError(
                f"no scan's name ends in {' or '.join(wanted)}",
                cure="name in --channels the words in which the files' names differ",
            )
        scans = [scan_of_channels(case, found, tuple(wanted)) for case, found in cases.items()]
        return self.arranged(Dataset(dataset.folder, tuple(wanted)), root, scans, skipped)


def _case(source: Source, word: str) -> str | None:
    """The path without the word that names the channel; None where it does not end in that word."""
    stem = without_extension(source.relative)
    if stem.casefold() == word.casefold():
        return source.root.resolve().name
    match = re.match(rf"^(?P<case>.+)[-_./]{re.escape(word)}$", stem, re.IGNORECASE)
    return match["case"] if match else None
