"""What a layout is: how a folder says which files make one scan, who is on it, and where its labels are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from orienteer.config import Config
from orienteer.scans.source import Skipped, Source
from orienteer.units import counted


@dataclass(frozen=True)
class Dataset:
    """A folder in which a layout recognised a dataset, and the names of its channels where they are known."""

    folder: Path
    channels: tuple[str, ...] = ()


class DatasetSummary(Config):
    """What one folder was recognised as."""

    name: str
    """Plain folder, nnU-Net raw, Medical Segmentation Decathlon or BIDS."""
    folder: str
    """Posix path below the folder that was searched; empty for that folder itself."""
    scans: int
    """Scans found in it."""
    channels: tuple[str, ...]
    """Names of a scan's channels, where the layout says them."""
    people: int
    """People the layout tells apart; 0 where it does not say."""
    labelled: int
    """Scans whose labels the layout names."""
    held_out: int
    """Scans the layout keeps for testing."""
    notes: tuple[str, ...]
    """What is worth knowing."""

    @property
    def text(self) -> str:
        """For a person, in one line."""
        place = f" in {self.folder}" if self.folder else ""
        count = len(self.channels)
        channels = f" ({count} channel{'s' * (count != 1)}: {', '.join(self.channels)})" if count else ""
        facts = [f"{self.scans} scan{'s' * (self.scans != 1)}"]
        facts += [counted(self.people, "subject")] * bool(self.people)
        facts += [f"{self.labelled} with labels"] * bool(self.labelled)
        facts += [f"{self.held_out} kept for testing"] * bool(self.held_out)
        return f"{self.name}{place}{channels}, {', '.join(facts)}"


@dataclass(frozen=True)
class Arranged:
    """What a layout made of the files of one dataset."""

    layout: "Layout"
    summary: DatasetSummary
    sources: Sequence[Source]
    skipped: Sequence[Skipped] = ()


class Layout(ABC):
    """One way to lay out a folder; stateless.

    A subclass recognises a dataset by what lies in a folder, and makes scans of its files. Files are never put together
    because their names happen to look alike: a description or a folder of images is the evidence.
    ``orienteer.testing.layout_contract`` checks what it promises.

    Attributes:
        name: for ``--layout``, and its key in the registry.
        title: as it is shown.
        looks_like: what one has to find in a folder, for the message when it is not there.
        descriptions: names of the files that describe a dataset, beside its folders.
        label_folders: names of the folders of labels in a dataset.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    looks_like: ClassVar[str]
    descriptions: ClassVar[tuple[str, ...]] = ()
    label_folders: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """The dataset that ``folder`` is; None where it does not describe itself as one of this layout.

        Args:
            folder: a candidate.
            sources: all files of scans below it.
        """

    @abstractmethod
    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        """The scans that the dataset's files make; what is no scan of it is skipped with a code, never dropped.

        Args:
            dataset: as it was recognised.
            root: the folder that was searched.
            sources: all files of scans below the dataset.
            wanted: names of the channels that make one scan, in order; empty for what the layout says.

        Raises:
            OrienteerError: the dataset has no channel of a wanted name.
        """

    def recognise_by_names(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """Weaker evidence, asked for when no layout recognised ``folder``: what the files in it are called."""
        return None

    def claim(self, folder: Path, sources: Sequence[Source], channels: int | None = None) -> Dataset | None:
        """Files that nothing describes, taken as a dataset because the user asks for this layout.

        Args:
            folder: the folder that was searched.
            sources: the files.
            channels: where the user asks for none, but a network reads so many: claim only what fits exactly.
        """
        return None

    def hint(self, sources: Sequence[Source]) -> str:
        """A note for files that were not taken as this layout, but are named as if; empty where they are not."""
        return ""

    def arranged(
        self,
        dataset: Dataset,
        root: Path,
        sources: Sequence[Source],
        skipped: Sequence[Skipped] = (),
        notes: tuple[str, ...] = (),
    ) -> Arranged:
        """The scans of a dataset together with their summary."""
        summary = DatasetSummary(
            name=self.title,
            folder=path_in(root, dataset.folder),
            channels=dataset.channels,
            scans=len(sources),
            people=len({source.subject for source in sources if source.subject}),
            labelled=sum(source.labels is not None for source in sources),
            held_out=sum(source.split == "test" for source in sources),
            notes=notes,
        )
        return Arranged(self, summary, sources, skipped)


def path_in(root: Path, folder: Path) -> str:
    """Posix path of a dataset below the folder that was searched; empty where it is that one, or above it."""
    return folder.relative_to(root).as_posix() if folder != root and folder.is_relative_to(root) else ""
