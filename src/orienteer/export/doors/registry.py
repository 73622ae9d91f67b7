"""The doors by name."""

from orienteer.errors import OrienteerError
from orienteer.export.doors.door import Door
from orienteer.export.doors.hugging_face import HuggingFace
from orienteer.export.doors.monai_bundle import MonaiBundle
from orienteer.export.doors.nnunet import NnUNet
from orienteer.export.doors.nnunet_plain import PlainNnUNet
from orienteer.export.doors.onnx_graph import OnnxGraph
from orienteer.export.doors.plain_torch import PlainTorch

DOORS: dict[str, type[Door]] = {
    door.name: door for door in (PlainTorch, NnUNet, PlainNnUNet, MonaiBundle, HuggingFace, OnnxGraph)
}


def door_to(name: str) -> Door:
    """The door of a name.

    Raises:
        OrienteerError: there is none.
    """
    if name not in DOORS:
        raise OrienteerError(f"no program is known by the name {name!r}", cure=f"use --to {', '.join(DOORS)}")
    return DOORS[name]()
