"""An atlas: labelled training scans whose labels are carried to every scan that is predicted, as a prior.

A network that learned from one or a few labelled scans errs where a new body differs from them, and its errors are not
those of a correspondence between the two scans. So its probabilities are multiplied by those of the carried labels:
``p(class) * (carried(class) + 0.001) ** weight``, where ``carried`` is blurred, and the exponent falls where a place
does not come back to itself on its way to the labelled scan and back, or where that scan ends.

The correspondence starts from the position field of the pretraining run, so that it also holds where a scan shows a
part of the body only, and is settled at half the network's spacing where the scans' own files are at hand. Labels are
asked for at eight places in each voxel. The run's model and the labelled scans are kept beside the network.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from nibabel.affines import apply_affine
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.ndimage import gaussian_filter
from torch import Tensor

from orienteer.atomic import make_folder, sweep, write_json, write_with
from orienteer.errors import ConfigError, RunError, ScanError
from orienteer.finetune.goal import Goal
from orienteer.finetune.originals import Originals
from orienteer.finetune.settings import AtlasSettings, FinetuneSettings, Kind
from orienteer.finetune.structures import IGNORE
from orienteer.geometry import Volume
from orienteer.localize.carry import values_at
from orienteer.localize.correspond import Prepared, both_ways
from orienteer.localize.field import placing_task
from orienteer.localize.interpolate import grid_of
from orienteer.localize.reach import lies_in
from orienteer.pretext.contract import PredictsPositions
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.runs.build import build_model
from orienteer.runs.ready import doubts
from orienteer.runs.run import Run
from orienteer.runs.scan import stored
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.store.convention import Convention, convention_of
from orienteer.store.kinds import same_spacing
from orienteer.training.weights import restore_weights

MODEL, SCANS, RECORD = "model.safetensors", "scans.safetensors", "atlas.json"
PARTS = ("image", "finer", "classes")
"""Of a labelled scan, in its file."""
VERSION = 2
"""Those of version 1 may hold voxels at half the spacing in wrong units of intensity."""
LEAST = 1e-3
"""Probability that no carried label falls below: the network may see what the atlas does not have."""
FEW = 3
"""Labelled scans up to which an atlas is offered; measured with one and three."""
KEPT = 1 << 28
"""Bytes of carried labels that are remembered of scans on which a training validates again and again."""

COARSE = (
    "on the store's grid only, not at half its spacing: changed since ingest, too large, or labels of several files"
)

PLACES = np.array(list(np.ndindex(2, 2, 2))) / 2 - 0.25
"""In a voxel, at which carried labels are asked for, voxels from its middle."""

Carried = tuple[UInt8[ndarray, "8 D H W"], Float[ndarray, "D H W"]]
"""Classes at eight places of each voxel of a scan, and how far they are trusted there, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Labelled scans of one pretraining run.

    Attributes:
        model: that places single voxels, in evaluation mode on the CPU.
        settings: of the run, as far as the model needs them.
        convention: the units of intensity that its encoder sees.
        scans: as the model sees them.
        finer: the same at half the spacing; None where there is no more than the store has.
        classes: ``(1, X, Y, Z)`` of each, class numbers, on a grid of their own.
        how: weight and blur.
        coarse: names of scans that were weighed on the store's grid, though they were to be looked at more finely.
        without: names of scans too thin to be held against another.
        coarsely_made: number of labelled scans of which it has the image or the labels on the store's grid only,
            although `finer` is on.
    """

    model: SpatialModel
    settings: PretrainSettings
    convention: Convention
    scans: tuple[Prepared, ...]
    finer: tuple[Volume | None, ...]
    classes: tuple[Volume, ...]
    how: AtlasSettings
    coarse: set[str] = field(default_factory=set, repr=False)
    without: set[str] = field(default_factory=set, repr=False)
    coarsely_made: int = 0
    _known: dict[str, tuple[Carried, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, run: Run, store: Store, goal: Goal, how: AtlasSettings, say: Callable[[str], None] = lambda _: None
    ) -> "Atlas":
        """The first labelled scans of a goal.

        Args:
            run: that places single voxels.
            store: of its spacing.
            goal: what is learned.
            how: the settings.
            say: called with what is coarser than it was to be.

        Raises:
            ScanError: a labelled scan is too thin to be held against another.
            StoreError: a damaged scan.
        """
        assert goal.structures is not None
        model = run.model()
        placing = next(name for name in model.tasks if isinstance(model.task(name), PredictsPositions))
        settings = run.settings.model_copy(
            update={"tasks": {placing: run.settings.active_tasks[placing]}, "teacher": TeacherSettings()}
        )
        data, chosen = run.record.data, goal.scans[: how.scans]
        convention = data.parameters.convention
        alone = build_model(settings, channels=data.channels, spacing=data.spacing_mm, convention=convention)
        weights = model.state_dict()
        restore_weights(alone, {name: weights[name] for name in alone.state_dict()}, run.path)
        alone.eval()
        originals, seen, found, classes, coarsely = Originals(store), [], [], [], 0
        for scan in chosen:
            volume = stored(store, scan)
            finer = originals.finer(scan) if how.finer else None
            own = originals.classes(scan, goal.structures) if how.finer else None
            try:
                seen.append(Prepared.of(alone, volume, finer, view=settings.views.size))
            except ScanError as error:
                raise ScanError(f"{scan} is {error.message}", code=error.code, cure="leave `atlas` out") from None
            found.append(finer)
            classes.append(own or Volume(goal.structures.encode(store.labels(scan))[None], volume.affine))
            if how.finer and (coarse := [what for what, one in (("image", finer), ("labels", own)) if one is None]):
                say(f"{scan}: {' and '.join(coarse)} {COARSE}")
                coarsely += 1
        return cls(alone, settings, convention, tuple(seen), tuple(found), tuple(classes), how, coarsely_made=coarsely)

    def weigh(
        self,
        likely: Float[Tensor, "classes D H W"],
        volume: Volume,
        finer: Callable[[], Volume | None] = lambda: None,
        *,
        name: str = "",
    ) -> None:
        """Multiply a network's probabilities by those of the carried labels, in place.

        Args:
            likely: they sum to 1 over the classes.
            volume: the scan on the run's grid and in window units; one too thin to be held against another is left as
                it is.
            finer: gives the same at half the spacing, where it can.
            name: of a scan that will be asked about again; empty for none.
        """
        carried = self._known.get(name)
        if carried is None:
            more = finer() if self.how.finer else None
            if name and self.how.finer and more is None:
                self.coarse.add(name)
            try:
                carried = self._carried(volume, more)
            except ScanError:
                self.without.add(name)
                return
        if name and sum(part.nbytes for known in self._known.values() for each in known for part in each) < KEPT:
            self._known[name] = carried
        trust = np.mean([each for _, each in carried], axis=0)
        exponent = torch.from_numpy(self.how.weight * trust).float()
        total = np.sum([each for _, each in carried], axis=0) + 1e-6
        sd = self.how.blur_mm / float(volume.spacing[0])
        for number in range(len(likely)):
            there = np.zeros(volume.shape, dtype=np.float32)
            for own, (classes, each) in zip(self.classes, carried, strict=True):
                # What a labelled scan lacks may lie anywhere in its background.
                meant = number if (own.array == number).any() else 0
                share = ((classes == meant) | (classes == IGNORE)).mean(0, dtype=np.float32)
                there += each * gaussian_filter(share, sd)
            likely[number] *= (torch.from_numpy(there / total).float() + LEAST) ** exponent
        likely /= likely.sum(0, keepdim=True).clamp(min=1e-30)

    def _carried(self, volume: Volume, finer: Volume | None) -> tuple[Carried, ...]:
        """The classes of every labelled scan on the grid of this one."""
        seen = Prepared.of(self.model, volume, finer, view=self.settings.views.size)
        index = grid_of(volume.shape).numpy()
        world = apply_affine(volume.affine, index)
        found = []
        for own, classes in zip(self.scans, self.classes, strict=True):
            there, back = both_ways(own, seen)
            place = back(world)
            away = np.linalg.norm(there(place) - world, axis=1)
            trust = lies_in(place, own.volume) / (1 + (away / self.how.trusted_mm) ** 2)
            parts = [values_at(classes, back(apply_affine(volume.affine, index + part))) for part in PLACES]
            found.append(
                (
                    np.stack(parts).astype(np.uint8).reshape(len(PLACES), *volume.shape),
                    trust.astype(np.float32).reshape(volume.shape),
                )
            )
        return tuple(found)

    def write(self, folder: Path) -> None:
        """Keep it in a folder of its own; the record is written last, so that one without is not whole."""
        make_folder(folder)
        sweep(folder)
        weights = {name: value.contiguous() for name, value in self.model.state_dict().items()}
        write_with(folder / MODEL, lambda part: save_file(weights, part))
        tensors: dict[str, Tensor] = {}
        for number, (scan, *others) in enumerate(zip(self.scans, self.finer, self.classes, strict=True)):
            for part, volume in zip(PARTS, (scan.volume, *others), strict=True):
                if volume is not None:
                    tensors[f"{number}.{part}"] = torch.from_numpy(np.ascontiguousarray(volume.array))
                    tensors[f"{number}.{part}.affine"] = torch.from_numpy(np.array(volume.affine))
        write_with(folder / SCANS, lambda part: save_file(tensors, part))
        record = {
            "v": VERSION,
            "settings": self.settings.model_dump(mode="json"),
            "convention": str(self.convention),
            "channels": int(self.scans[0].volume.array.shape[0]),
            "spacing_mm": float(self.scans[0].volume.spacing[0]),
            "scans": len(self.scans),
            "coarsely_made": self.coarsely_made,
        }
        write_json(folder / RECORD, record)

    @classmethod
    def read(cls, folder: Path, how: AtlasSettings) -> "Atlas":
        """What ``write`` left.

        Raises:
            RunError: a file is missing, damaged or of a newer version.
        """
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            if record["v"] > VERSION:
                raise RunError(f"{folder} was written by a newer Orienteer", cure="upgrade orienteer")
            if record["v"] < VERSION:
                raise RunError(
                    f"{folder} is of an earlier Orienteer, which may have scaled its voxels wrongly",
                    cure="fine-tune again into another folder",
                )
            settings = PretrainSettings.build(record["settings"], origin=str(folder / RECORD))
            convention = convention_of(record["convention"])
            model = build_model(
                settings, channels=record["channels"], spacing=record["spacing_mm"], convention=convention
            )
            restore_weights(model, load_file(folder / MODEL), folder)
            tensors = load_file(folder / SCANS)
            seen, finer, classes = zip(*(_parts(tensors, number) for number in range(record["scans"])), strict=True)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RunError(f"{folder} is damaged: {error}", cure="fine-tune again into another folder") from None
        model.eval()
        scans = tuple(
            Prepared.of(model, volume, more, view=settings.views.size) for volume, more in zip(seen, finer, strict=True)
        )
        # Atlases of earlier versions do not tell; of their labels it is not known.
        coarsely = record.get("coarsely_made", sum(each is None for each in finer) if how.finer else 0)
        return cls(model, settings, convention, scans, finer, classes, how, coarsely_made=int(coarsely))


def _parts(tensors: Mapping[str, Tensor], number: int) -> tuple[Volume, Volume | None, Volume]:
    """A labelled scan as it was written: on the run's grid, finer, and its classes."""

    def part(name: str) -> Volume:
        return Volume(tensors[f"{number}.{name}"].numpy(), tensors[f"{number}.{name}.affine"].numpy())

    image, finer, classes = PARTS
    return part(image), part(finer) if f"{number}.{finer}" in tensors else None, part(classes)


def able(run: Run | None, store: Store, kind: Kind) -> None:
    """Refuse an atlas that cannot be made.

    Raises:
        ConfigError: nothing is segmented, or there is no run that can place voxels of this store.
    """
    if kind != "segment":
        raise ConfigError(f"an atlas is a prior for segmentation, not for `{kind}`", cure="leave `atlas` out")
    if run is None:
        raise ConfigError(
            "an atlas needs a pretraining run, which finds one scan in another",
            cure="add --from RUN, and --set transfer.encoder=false to take nothing else of it",
        )
    learned, here = run.record.data.spacing_mm, store.manifest.spacing
    if not same_spacing(learned, here):
        raise ConfigError(
            f"an atlas needs the run's spacing: {run.path} learned at {learned:g} mm, the store is at {here:g} mm",
            cure=f"ingest the scans with --spacing {learned:g}, or leave `atlas` out",
        )
    if placing_task(run.model()) is None:
        raise ConfigError(
            f"an atlas needs a run that places single voxels, and no task of {run.path} does",
            cure="pretrain with the default tasks, or leave `atlas` out",
        )


def offered(run: Run | None, store: Store, settings: FinetuneSettings, labelled: int) -> tuple[str, ...]:
    """What to say where few scans are labelled and an atlas could be had."""
    if settings.atlas is not None or labelled > FEW:
        return ()
    try:
        able(run, store, settings.kind)
    except ConfigError:
        return ()
    if run is None or doubts(run, run.model()):
        return ()
    return ("few labelled scans: --atlas also carries their labels to each scan that is predicted, as a prior",)


def sealing(folder: Path, how: AtlasSettings) -> bytes:
    """SHA-256 of all that decides what an atlas says."""
    parts = [(folder / name).read_bytes() for name in (RECORD, MODEL, SCANS)]
    return hashlib.sha256(b"".join([*parts, how.model_dump_json().encode()])).digest()
