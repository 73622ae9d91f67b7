"""What every door does: write the encoder for one program, open it there again, and say how it is used."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract
from orienteer.export.exported import TOLERANCE, Exported, apart, empty_encoder, maps_of
from orienteer.export.tensors import AGAIN
from orienteer.training.weights import restore_weights

Maps = tuple[NDArray[np.float32], ...]


class Door(ABC):
    """The way to one program.

    Attributes:
        name: after ``--to``.
        leads_to: the program, in a few words.
        prepares: what the card says where the program prepares scans by itself.
        tolerance: largest difference of features, as a share of their largest, that its copy may show.
    """

    name: ClassVar[str]
    leads_to: ClassVar[str]
    prepares: ClassVar[str] = ""
    tolerance: ClassVar[float] = TOLERANCE

    def with_plans(self, path: Path, configuration: str) -> Self:
        """The door for a network that the program has planned, where it plans networks.

        Raises:
            OrienteerError: it plans none, or the plans cannot be read.
        """
        raise OrienteerError(f"--to {self.name} takes no plans", cure="leave out --plans, or use --to nnunet-plain")

    def suited(self, exported: Exported) -> Exported:
        """The encoder as the program's arrays need it."""
        return exported

    def misfits(self, exported: Exported) -> list[str]:
        """What makes the encoder unsuitable there, in words; it is then exported with ``--anyway`` only."""
        return []

    @abstractmethod
    def write(self, exported: Exported, folder: Path) -> None:
        """Write the program's files into ``folder``, which is empty.

        Raises:
            OrienteerError: an encoder that the program cannot read, or a package that is missing.
        """

    @abstractmethod
    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """The weights in a folder, under the names of the network that its contract describes.

        No code of the folder is run, and nothing in it is unpickled.

        Raises:
            OrienteerError: a file that is missing, damaged or unsafe.
        """

    def maps(self, folder: Path, contract: Contract, view: NDArray[np.float32]) -> Maps:
        """The maps ``(C_l, s, s, s)`` of one view ``(C, S, S, S)``, finest first, by the files of the folder.

        Raises:
            OrienteerError: files that are damaged, of other names or shapes, or unsafe; a package that is missing.
        """
        encoder = empty_encoder(contract)
        restore_weights(encoder.network, self.weights(folder), folder, cure=AGAIN)
        return maps_of(encoder.network, view)

    @abstractmethod
    def usage(self, contract: Contract) -> str:
        """What the card says about its use, as Markdown."""

    def front_matter(self, contract: Contract) -> str:
        """What stands above the card's title: where a hub reads facts from, else nothing."""
        return ""

    def check(self, exported: Exported, folder: Path) -> None:
        """Open the folder again in the program and compare.

        Raises:
            OrienteerError: its features differ.
        """
        difference = apart(exported.test.maps, self.maps(folder, exported.contract, exported.test.view))
        if not difference <= self.tolerance:
            raise differs(f"the largest difference is {difference:.1e}")


def differs(told: str) -> OrienteerError:
    """The error of a copy whose features are not the run's."""
    return OrienteerError(
        f"the exported encoder gives other features than the run's: {told}",
        cure="nothing was written; please report this, with the run's settings.yaml",
    )
