"""Medical Segmentation Decathlon: ``imagesTr/CASE.nii.gz``, several modalities as the volumes of one 4D file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orienteer.scans.discover import Skipped
from orienteer.scans.layouts.folders import in_images, is_training, labels_by_case, place_of
from orienteer.scans.layouts.layout import Layout, Part, describe, numbered_names, read_description
from orienteer.scans.source import Source, without_extension

NAME = "Medical Segmentation Decathlon"


def recognised(folder: Path, sources: Sequence[Source]) -> tuple[str, ...]:
    """Names of the modalities where ``folder`` is one task in this layout; else empty.

    Evidence is ``dataset.json`` with ``modality`` and a list ``training`` of which at least one image is there.
    """
    values = read_description(folder / "dataset.json")
    names, training = numbered_names(values.get("modality")), values.get("training")
    if not names or not isinstance(training, list):
        return ()
    listed = {Path(str(item.get("image", ""))).name for item in training if isinstance(item, dict)}
    there = {source.paths[0].name for source in sources if in_images(source, folder)}
    return names if listed & there or (there and not listed) else ()


def arrange(folder: Path, root: Path, sources: Sequence[Source], names: tuple[str, ...]) -> Part:
    """The files of ``imagesTr`` and ``imagesTs``; where several modalities are named, all volumes are channels."""
    part = Part(Layout(NAME, place_of(folder, root), channels=names))
    labels = labels_by_case(folder)
    for source in sources:
        if not in_images(source, folder):
            part.skipped.append(Skipped(source.relative, "skipped-layout"))
            continue
        training = is_training(source.paths[0].parent)
        case = without_extension(source.paths[0].name)
        part.sources.append(
            replace(
                source,
                volumes="channels" if len(names) > 1 else source.volumes,
                channel_names=names,
                split="" if training else "test",
                labels=labels.get(case if training else f"test/{case}"),
            )
        )
    return describe(part)
