"""The contract of layouts finds the mistakes it is there for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.layouts.layout import Arranged, Dataset, Layout
from orienteer.scans.layouts.registry import LAYOUTS
from orienteer.scans.reading import inspect
from orienteer.scans.source import Skipped, Source
from orienteer.testing.layout_contract import Expected, LayoutContract, write_scan


class Ward(Layout):
    """``ward.json`` names the subject of each file in ``scans``."""

    name = "ward"
    title = "Ward"
    looks_like = "a ward has scans and ward.json"
    descriptions = ("ward.json",)

    def subjects(self, folder: Path) -> Mapping[str, str]:
        try:
            said = json.loads((folder / "ward.json").read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}

    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        return Dataset(folder) if self.subjects(folder) else None

    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        if wanted:
            raise OrienteerError("a ward has no channels", cure="leave out --channels")
        subjects = self.subjects(dataset.folder)
        taken = [replace(one, subject=subjects[one.id]) for one in sources if one.id in subjects]
        return self.arranged(dataset, root, taken, self.left(one for one in sources if one.id not in subjects))

    def left(self, sources: Iterator[Source]) -> Sequence[Skipped]:
        return [Skipped(one.relative, "skipped-layout") for one in sources]


class DropsFiles(Ward):
    def left(self, sources: Iterator[Source]) -> Sequence[Skipped]:
        return ()


class TrustsItsDescription(Ward):
    def subjects(self, folder: Path) -> Mapping[str, str]:
        path = folder / "ward.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}


class TakesEverything(Ward):
    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        return Dataset(folder)


class IgnoresChannels(Ward):
    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        return super().arrange(dataset, root, sources, ())


CARELESS = {
    DropsFiles: "loses_no_file_in_silence",
    TrustsItsDescription: "survives_a_damaged_description",
    TakesEverything: "takes_no_folder_that_is_not_described",
    IgnoresChannels: "refuses_a_channel_that_is_not_there",
}


def suite_of(kind: type[Ward]) -> LayoutContract:
    class Suite(LayoutContract):
        layout = kind

        def write(self, folder: Path) -> Mapping[str, Expected]:
            for name in ("one", "two"):
                write_scan(folder / f"{name}.nii.gz")
            (folder / "ward.json").write_text(json.dumps({"one": "s1", "two": "s2"}))
            return {"one": Expected(subject="s1"), "two": Expected(subject="s2")}

    return Suite()


@pytest.fixture
def registered(request: pytest.FixtureRequest) -> Iterator[type[Ward]]:
    yield LAYOUTS.register(request.param)
    LAYOUTS.unregister("ward")


@pytest.mark.parametrize("registered", [Ward], indirect=True)
def test_layout__a_new_one_is_found_and_arranged_with_nothing_else_touched(
    registered: type[Ward], tmp_path: Path
) -> None:
    suite_of(registered).write(tmp_path)
    found = lay_out(tmp_path)
    assert [summary.text for summary in found.layouts] == ["Ward, 2 scans, 2 subjects"]
    assert all(inspect(source).usable for source in found.sources)
    with pytest.raises(OrienteerError, match="is not laid out as bids"):
        lay_out(tmp_path, layout="bids")


@pytest.mark.parametrize("registered", CARELESS, indirect=True)
def test_contract__a_careless_layout_fails_where_an_honest_one_passes(registered: type[Ward], tmp_path: Path) -> None:
    name = f"test_layout__{CARELESS[registered]}"
    (tmp_path / "careless").mkdir()
    with pytest.raises((AssertionError, ValueError, TypeError, OrienteerError)):
        getattr(suite_of(registered), name)(tmp_path / "careless")
    LAYOUTS.unregister("ward")
    LAYOUTS.register(Ward)
    (tmp_path / "honest").mkdir()
    getattr(suite_of(Ward), name)(tmp_path / "honest")
