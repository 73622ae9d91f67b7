"""Which folder is whose: a store, a run, a fine-tuning ... told by the file that marks it, and by nothing in it.

Every command takes folders, and most look alike on a command line. Here is what tells them apart, so that an argument
that is something else, or that changed places with another one, is named with what to give instead.
"""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from pathlib import Path
from shlex import quote

from orienteer.errors import OrienteerError, RunError, StoreError
from orienteer.journal import Journal
from orienteer.units import some

SETTINGS = "settings.yaml"
"""The resolved settings, in every training folder."""
ARRAYS = "arrays"
"""Folder of a store's voxels."""
RECORDS = "records"
"""Folder of a benchmark's tables."""
SEEDS = "seed_*"
"""The folders of a fine-tuning, one a seed."""
ENDING = ".nii.gz"
"""Of predicted label maps."""
SHOWN = 200
"""Characters of a path that is too long which an error repeats."""
DEEP = 4
"""Folders above a path that may be the one meant: ``RUN/evaluations/test/examples``."""


class Folder(Enum):
    """A folder that Orienteer makes.

    Attributes:
        words: what it is called.
        marker: the file that marks it.
        beside: one of these lies there as well, for other programs use some of the markers' names too.
        made_by: how to get one.
    """

    STORE = "a store", "manifest.json", (ARRAYS,), "made by `orienteer ingest SCANS STORE`"
    RUN = "a run", "run.json", (SETTINGS,), "made by `orienteer pretrain` or `orienteer demo`"
    SEED = "one seed of a fine-tuning", "finetune.json", (SETTINGS,), "made by `orienteer finetune`"
    FINETUNING = "a fine-tuning", "seed_*/finetune.json", (), "made by `orienteer finetune`"
    PREDICTIONS = "a folder of predictions", "predictions.json", (), "made by `orienteer predict`"
    LOCATIONS = "a folder of locations", "locations.json", (), "made by `orienteer locate`"
    PROPAGATED = "a folder of propagated labels", "propagated.json", (), "made by `orienteer propagate`"
    ORIENTATIONS = "a folder of orientations", "orientations.json", (), "made by `orienteer orient --out`"
    EXPORT = "an exported encoder", "contract.json", ("selftest.safetensors",), "made by `orienteer export`"
    BENCHMARK = "a benchmark", "benchmark.yaml", ("cells", "store"), "made by `orienteer benchmark`"
    RESULTS = "the results of a benchmark", "benchmark.json", (RECORDS,), "made by `orienteer benchmark`"

    def __init__(self, words: str, marker: str, beside: tuple[str, ...], made_by: str) -> None:
        self.words = words
        self.marker = marker
        self.beside = beside
        self.made_by = made_by


def recognised(folder: Path) -> Folder | None:
    """What a folder is; None of a file, of a folder of somebody else, and where nothing is."""
    found = recognised_by_names(lambda name: _is_there(folder / name))
    if found is None and any(_is_there(seed / Folder.SEED.marker) for seed in folder.glob(SEEDS)):
        return Folder.FINETUNING
    return found


def recognised_by_names(holds: Callable[[str], bool]) -> Folder | None:
    """What a folder is that ``holds`` files and folders by these names; a fine-tuning is told by its seeds only."""
    for kind in Folder:
        if holds(kind.marker) and (not kind.beside or any(map(holds, kind.beside))):
            return kind
    return None


def predicted_files(folder: Path, kind: Folder = Folder.PREDICTIONS) -> list[Path]:
    """The label maps that a folder of predictions, or of propagated labels, names: files beside its record."""
    try:
        record = json.loads((folder / kind.marker).read_text(encoding="utf-8"))
        lines = list(Journal((folder / kind.marker).with_suffix(".journal")).read())
        if kind is Folder.PROPAGATED:
            scans = [*record["scans"].values(), *(line["answer"] for line in lines if "answer" in line)]
            named = [name for scan in scans for name in scan["files"]]
            named += [*record["writing"], *(name for line in lines for name in line.get("writing", ()))]
        else:
            named = [*record["predictions"].values(), *(line.get("answer") for line in lines)]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []  # whatever the record holds
    names = [name for name in named if isinstance(name, str)]
    return [folder / name for name in names if Path(name).name == name and name.endswith(ENDING)]


def mistaken(path: Path, wanted: Folder) -> OrienteerError:
    """The error about a path that is no ``wanted``: what is there, and what to give instead."""
    error = StoreError if wanted is Folder.STORE else RunError
    cure = f"give a folder {wanted.made_by}"
    if not _is_there(path):
        return error(f"{path} is not {wanted.words}: nothing is there", cure=cure)
    if kind := recognised(path):
        message, cure = f"{path} is {kind.words}, not {wanted.words}", _next_step(path, kind, wanted) or cure
    elif home := home_of(path):
        where, kind = home
        message = f"{path} is not {wanted.words}: it lies in {where}, which is {kind.words}"
        cure = f"give {where}" if kind is wanted else cure
    else:
        what = "it is a file" if path.is_file() else f"it holds no {wanted.marker}"
        message = f"{path} is not {wanted.words}: {what}"
        if wanted is Folder.STORE and path.is_dir():
            cure = f"give a store; `orienteer ingest {quote(str(path))} STORE` makes one of a folder of scans"
    if inside := [part for part in _parts(path) if recognised(part) is wanted]:
        several = f"; it holds {some([*map(str, inside)], 3)}" if len(inside) > 1 else ""
        return error(message + several, cure="give one of them" if several else f"give {inside[0]}")
    return error(message, cure=cure)


def home_of(path: Path) -> tuple[Path, Folder] | None:
    """The nearest folder of Orienteer that a path lies in, and what that is."""
    for folder in path.absolute().parents[:DEEP]:
        if (kind := recognised(folder)) and kind is not Folder.PREDICTIONS:
            return folder, kind
    return None


@dataclass(frozen=True)
class Argument:
    """A path as a command was given it, and what should be there.

    Attributes:
        path: as given.
        words: what should be there, e.g. ``a run``.
        kinds: what it may be of what Orienteer makes.
        own: the user's own files will do: scans, settings, a folder that they chose.
        new: it may be made now.
    """

    path: Path
    words: str
    kinds: tuple[Folder, ...] = ()
    own: bool = False
    new: bool = False

    def admits(self, path: Path) -> bool:
        """Whether a path might stand here."""
        if kind := recognised(path):
            return kind in self.kinds
        if not _is_there(path):
            return self.new
        return self.own if not self.new else path.is_dir() and (self.own or not _parts(path))

    @property
    def is_another(self) -> bool:
        """Whether it is certain that something else is here."""
        return recognised(self.path) not in (None, *self.kinds)

    def error(self) -> OrienteerError:
        """What is here instead."""
        kind = recognised(self.path)
        if self.kinds and not self.own and not self.new:
            return mistaken(self.path, self.kinds[0])
        if kind is None:
            there = "it is a file" if self.path.is_file() else "it is there already"
            what = there if _is_there(self.path) else "nothing is there"
            return OrienteerError(f"{self.path} is not {self.words}: {what}")
        cure = "name a new folder" if self.new else f"give {self.words}"
        error = StoreError if Folder.STORE in self.kinds else RunError if self.kinds and self.new else OrienteerError
        return error(f"{self.path} is {kind.words}, not {self.words}", cure=f"{cure}; nothing was written")


def existing(path: Path | str, *kinds: Folder) -> Argument:
    """An argument that is one of some kinds of folder; the first names it."""
    return Argument(Path(path), kinds[0].words, kinds)


def to_make(path: Path | str, kind: Folder) -> Argument:
    """An argument that is a folder to make, or to go on with."""
    return Argument(Path(path), kind.words, (kind,), own=kind is Folder.PREDICTIONS, new=True)


def scans_in(path: Path | str) -> Argument:
    """An argument that is a folder of scans; predictions may lie among them."""
    return Argument(Path(path), "a folder of scans", (Folder.PREDICTIONS,), own=True)


def settings_in(path: Path | str) -> Argument:
    """An argument that is a file of settings."""
    return Argument(Path(path), "a YAML file", own=True)


def in_order(command: str, *arguments: Argument) -> None:
    """Refuse arguments of which one is something else, before anything is read or written.

    Args:
        command: as it is typed, with ``{}`` for each argument; quoted in the cure where arguments changed places.
        arguments: in that order.

    Raises:
        StoreError: something else where a store belongs.
        RunError: something else where another of Orienteer's folders belongs.
        OrienteerError: something else where scans belong, or what cannot be a path.
    """
    paths = [argument.path for argument in arguments]
    for path in paths:
        require_possible(path)
    wrong = [argument for argument in arguments if argument.is_another]
    misplaced = wrong or [argument for argument in arguments if not argument.admits(argument.path)]
    if not misplaced:
        return
    error = misplaced[0].error()
    for order in permutations(paths):
        if all(argument.admits(path) for argument, path in zip(arguments, order, strict=True)):
            meant = command.format(*(quote(str(path)) for path in order))
            raise type(error)(error.message, cure=f"did you mean `{meant}`?")
    gone = [
        argument for argument in misplaced if not argument.own and not argument.new and not _is_there(argument.path)
    ]
    if wrong or gone:
        raise error if wrong else gone[0].error()


def require_possible(path: Path) -> None:
    """Refuse what no file can be called, and a home folder that no shell has put in the place of ``~``.

    Raises:
        OrienteerError: the path is one of these.
    """
    shown = str(path) if len(str(path)) <= SHOWN else f"{str(path)[:SHOWN]}..."
    try:
        os.lstat(path)
    except ValueError as error:
        raise OrienteerError(f"{shown!r} is no path: {error}", cure="check what was given") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            cure = "check what was given: it is the name of a file or folder"
            raise OrienteerError(f"{shown} is no path: too long, {len(str(path))} characters", cure=cure) from None
        if path.parts[:1] == ("~",) and not _is_there(Path("~")):
            cure = f"give {Path.home().joinpath(*path.parts[1:])}"
            raise OrienteerError(f"{path}: only a shell knows what ~ stands for", cure=cure) from None


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (what lies in a closed folder is not there, and no error)


def _parts(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def _next_step(path: Path, kind: Folder, wanted: Folder) -> str:
    """How to come from what is there to what is wanted; empty where nothing leads there."""
    shown = quote(str(path))
    return {
        (Folder.STORE, Folder.RUN): f"give the folder that `orienteer pretrain {shown} RUN` made",
        (Folder.RUN, Folder.STORE): "give the store that it learned from, or another",
        (Folder.FINETUNING, Folder.RUN): "give the run it started from; `orienteer predict` reads fine-tunings",
        (Folder.SEED, Folder.RUN): "give the run it started from; `orienteer predict` reads fine-tunings",
        (Folder.BENCHMARK, Folder.RESULTS): f"it has none yet: go on with `orienteer benchmark CONFIG {shown}`",
        (Folder.RUN, Folder.FINETUNING): f"give the folder that `orienteer finetune ... --from {shown}` made",
    }.get((kind, wanted), "")
