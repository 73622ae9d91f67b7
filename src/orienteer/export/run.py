"""``orienteer export``: a run's encoder for another program, opened there and compared before it is handed out."""

import gzip
import hashlib
import shutil
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import torch
from safetensors.torch import save_file

from orienteer.arguments import of_export
from orienteer.atomic import refuse_place, write_json, write_text, write_with
from orienteer.errors import OrienteerError
from orienteer.export.card import card
from orienteer.export.contract import FILE, Contract
from orienteer.export.doors.door import Door
from orienteer.export.doors.registry import door_to
from orienteer.export.exported import Exported, SelfTest
from orienteer.networks.encoders import recipe
from orienteer.runs.run import Run
from orienteer.seal import sealed

SELFTEST, PHANTOM, CARD = "selftest.safetensors", "phantom.nii.gz", "README.md"


def export(
    run: Path | str,
    out: Path | str,
    *,
    to: str = "torch",
    licence: str,
    modality: str = "",
    anatomy: str = "",
    plans: Path | str | None = None,
    configuration: str = "3d_fullres",
    anyway: bool = False,
) -> Path:
    """Write a run's best encoder to a folder that another program opens, with its contract and self-test.

    Args:
        run: a run folder.
        out: a new folder.
        to: the program, one of ``doors.registry.DOORS``.
        licence: of the data it was trained on, e.g. ``CC BY-NC 3.0``; it stands on the card.
        modality: of the training data, in a few words for the card, e.g. ``T1-weighted MR``.
        anatomy: what they show, e.g. ``heads of adults, skull-stripped``.
        plans: nnU-Net's ``plans.json``, for ``nnunet-plain``.
        configuration: of the plans.
        anyway: also where the verdict is not "learning", or the program's data do not suit it.

    Returns:
        The folder.

    Raises:
        OrienteerError: an unknown door, no licence, a folder that is there, a run that did not learn, or a copy whose
            features differ.
        RunError: no run, or one that was never judged.
    """
    run, out = Path(run), Path(out).absolute()
    licence, modality, anatomy = (" ".join(words.split()) for words in (licence, modality, anatomy))
    of_export(run, out)
    door = door_to(to) if plans is None else door_to(to).with_plans(Path(plans), configuration)
    if not licence:
        cure = "give --licence, e.g. 'CC BY 4.0' or 'not to be shared'"
        raise OrienteerError("the licence of the training data is missing", cure=cure)
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise OrienteerError(f"{out} is there already", cure="name a new folder; nothing was written")
    refuse_place(out)
    opened = Run.open(run)
    contract = Contract.of(opened, licence, to, modality=modality, anatomy=anatomy)
    if contract.learned.verdict != "learning" and not anyway:
        raise OrienteerError(
            f"{run} is {contract.learned.verdict}: {contract.learned.sentence}",
            cure="train it further, or export it with --anyway; its card will say what it is",
        )
    encoder = opened.backbone().encoder
    made_by = recipe(opened.settings.network, contract.input.channels, contract.input.view_voxels)
    exported = door.suited(Exported.of(contract, encoder, made_by))
    misfits = door.misfits(exported)
    if misfits and not anyway:
        raise OrienteerError("; ".join(misfits), cure="use data that suit it, or export it all the same with --anyway")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        written = Path(folder) / "export"
        written.mkdir()
        _write(exported, written, door)
        door.check(exported, written)
        if out.exists():
            out.rmdir()
        shutil.move(written, out)
    return out


def _write(exported: Exported, folder: Path, door: Door) -> None:
    door.write(exported, folder)
    write_with(folder / PHANTOM, lambda path: _save_phantom(exported.test, path))
    write_with(folder / SELFTEST, lambda path: save_file(tensors(exported.test), path))
    write_text(folder / CARD, card(exported.contract, door))
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(folder / FILE, sealed(exported.contract.model_copy(update={"files": files}).model_dump(mode="json")))


def tensors(test: SelfTest) -> dict[str, torch.Tensor]:
    """A self-test as it is written: ``prepared``, ``view``, ``map_0`` and so on."""
    arrays = {"prepared": test.prepared, "view": test.view, **{f"map_{n}": each for n, each in enumerate(test.maps)}}
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _save_phantom(test: SelfTest, path: Path) -> None:
    """One NIfTI file; several channels are its volumes."""
    array = test.phantom.array[0] if len(test.phantom.array) == 1 else np.moveaxis(test.phantom.array, 0, -1)
    image = nibabel.Nifti1Image(array, test.phantom.affine)
    image.header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(image.to_bytes(), mtime=0))
