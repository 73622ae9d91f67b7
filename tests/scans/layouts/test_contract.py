"""Every shipped layout keeps the contract of layouts."""

from collections.abc import Mapping
from pathlib import Path

from orienteer.scans.layouts.bids import BidsLayout
from orienteer.scans.layouts.decathlon import DecathlonLayout
from orienteer.scans.layouts.nnunet import NnunetLayout
from orienteer.scans.layouts.plain import PlainLayout
from orienteer.scans.layouts.registry import LAYOUTS
from orienteer.testing.layout_contract import Expected, LayoutContract, write_scan
from tests.scans.layouts import trees


class TestPlain(LayoutContract):
    layout = PlainLayout

    def write(self, folder: Path) -> Mapping[str, Expected]:
        write_scan(folder / "anna.nii.gz")
        write_scan(folder / "site-b" / "ct" / "017.nii")
        return {"anna": Expected(), "site-b__ct__017": Expected()}


class TestNnunet(LayoutContract):
    layout = NnunetLayout
    key = "channel_names"

    def write(self, folder: Path) -> Mapping[str, Expected]:
        trees.nnunet(folder, {"a": (0, 1), "b_2": (0, 1)}, {"t": (0, 1)}, key=self.key)
        channels = ("T1", "FLAIR")
        train = {f"imagesTr__{case}": Expected(channels, labelled=True) for case in ("a", "b_2")}
        return {**train, "imagesTs__t": Expected(channels, split="test")}


class TestNnunet1(TestNnunet):
    key = "modality"


class TestDecathlon(LayoutContract):
    layout = DecathlonLayout

    def write(self, folder: Path) -> Mapping[str, Expected]:
        trees.decathlon(folder)
        write_scan(folder / "imagesTs" / "BRATS_9.nii.gz", volumes=2)
        channels = ("FLAIR", "T1w")
        train = {f"imagesTr__BRATS_{n:03d}": Expected(channels, labelled=True) for n in range(2)}
        return {**train, "imagesTs__BRATS_9": Expected(channels, split="test")}


class TestBids(LayoutContract):
    layout = BidsLayout

    def write(self, folder: Path) -> Mapping[str, Expected]:
        taken = "sub-01/ses-1/anat/sub-01_ses-1_T1w", "sub-01/ses-2/anat/sub-01_ses-2_T1w", "sub-02/anat/sub-02_T1w"
        trees.bids(folder, *taken, "sub-02/func/sub-02_bold", "derivatives/x/sub-02/anat/sub-02_T1w")
        return {
            "sub-01__ses-1__anat__sub-01_ses-1_T1w": Expected(subject="sub-01"),
            "sub-01__ses-2__anat__sub-01_ses-2_T1w": Expected(subject="sub-01"),
            "sub-02__anat__sub-02_T1w": Expected(subject="sub-02"),
        }


def test_contract__covers_every_shipped_layout() -> None:
    suites = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, LayoutContract)]
    assert {kind.layout for kind in suites if kind is not LayoutContract} == set(LAYOUTS.values())
