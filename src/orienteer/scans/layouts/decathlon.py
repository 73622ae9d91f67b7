"""Medical Segmentation Decathlon: ``imagesTr/CASE.nii.gz``, several modalities as the volumes of one 4D file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.layouts.descriptions import numbered_names, read_description
from orienteer.scans.layouts.images_folders import LABELS, in_images, is_training, labels_by_case
from orienteer.scans.layouts.layout import Arranged, Dataset, Layout
from orienteer.scans.source import Skipped, Source


class DecathlonLayout(Layout):
    """Where several modalities are named, all volumes of a file are channels."""

    name = "decathlon"
    title = "Medical Segmentation Decathlon"
    looks_like = "the Decathlon has imagesTr/CASE.nii.gz and dataset.json with modality and training"
    descriptions = ("dataset.json",)
    label_folders = LABELS

    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """By ``dataset.json`` with ``modality`` and a list ``training`` of which at least one image is there."""
        values = read_description(folder / "dataset.json")
        names, training = numbered_names(values.get("modality")), values.get("training")
        if not names or not isinstance(training, list):
            return None
        listed = {Path(str(item.get("image", ""))).name for item in training if isinstance(item, dict)}
        there = {source.paths[0].name for source in sources if in_images(source, folder)}
        return Dataset(folder, names) if listed & there or (there and not listed) else None

    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        """The files of ``imagesTr`` and ``imagesTs``.

        Raises:
            OrienteerError: channels were asked for; they cannot be chosen.
        """
        names = dataset.channels
        if wanted:
            raise OrienteerError(
                f"--channels cannot choose among the volumes of a 4D file ({self.title})",
                cure=f"leave out --channels: all of {', '.join(names)} are taken",
            )
        labels = labels_by_case(dataset.folder)
        scans = []
        for source in sources:
            if not in_images(source, dataset.folder):
                continue
            training = is_training(source.paths[0].parent)
            case = without_extension(source.paths[0].name)
            scans.append(
                replace(
                    source,
                    volumes="channels" if len(names) > 1 else source.volumes,
                    channel_names=names,
                    split="" if training else "test",
                    labels=labels.get(case if training else f"test/{case}"),
                )
            )
        outside = [source for source in sources if not in_images(source, dataset.folder)]
        skipped = [Skipped(source.relative, "skipped-layout") for source in outside]
        return self.arranged(dataset, root, scans, skipped)
