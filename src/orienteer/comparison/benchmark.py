"""``benchmark.json``: the tasks and arms, the settings, and the command that repeats the benchmark."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from orienteer.atomic import write_json
from orienteer.errors import RunError
from orienteer.folders import Folder

SCHEMA_VERSION = 1
FILE = Folder.RESULTS.marker
CURE = f"give a folder {Folder.RESULTS.made_by}"


class _Part(BaseModel):
    # Later versions may add keys.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Task(_Part):
    """A downstream task; ``metric`` is its primary metric.

    ``arms`` are the arms planned in each mode; None for all. ``labels`` are the planned label counts, where known.
    ``given`` is what the label counts count.
    """

    name: str
    kind: Literal["segment", "classify", "regress", "probe"]
    metric: str
    better: Literal["higher", "lower"]
    unit: str
    words: str
    threshold: float | None = None
    arms: dict[str, tuple[str, ...]] | None = None
    labels: tuple[int, ...] = ()
    given: Literal["label", "scan"] = "label"

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: a difference times the sign is a gain."""
        return 1 if self.better == "higher" else -1


class Arm(_Part):
    """One way to start: a pretext, several, or none.

    ``origin`` says of imported weights what they are. ``labels`` are the label counts it is planned at; empty for all.
    """

    name: str
    label: str
    role: Literal["ours", "baseline", "scratch", "ablation"]
    origin: str = ""
    labels: tuple[int, ...] = ()


class Benchmark(_Part):
    """The whole file. Tasks and arms are shown in this order.

    ``seeds`` are the planned seeds of every arm, where known.
    """

    name: str
    title: str
    environment: dict[str, JsonValue] = Field(default_factory=dict)
    orienteer_version: str = "unknown"
    credit: str = ""
    tasks: tuple[Task, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=1)
    configuration: dict[str, JsonValue] = Field(default_factory=dict)
    commands: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def ours(self) -> Arm | None:
        """The first arm with the role ``ours``."""
        return next((arm for arm in self.arms if arm.role == "ours"), None)

    @property
    def scratch(self) -> Arm | None:
        """The scratch arm of equal budget: the first one."""
        return next((arm for arm in self.arms if arm.role == "scratch"), None)

    @property
    def baselines(self) -> tuple[Arm, ...]:
        """The arms with the role ``baseline``."""
        return tuple(arm for arm in self.arms if arm.role == "baseline")

    def planned(self, task: Task, mode: str) -> tuple[Arm, ...]:
        """The arms planned for ``task`` in ``mode``."""
        return tuple(arm for arm in self.arms if task.arms is None or arm.name in task.arms.get(mode, ()))

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def task(self, name: str) -> Task:
        """The task of that name."""
        return next(task for task in self.tasks if task.name == name)


def read_benchmark(results: Path) -> Benchmark:
    """Read ``RESULTS/benchmark.json``.

    Raises:
        RunError: it is missing, not JSON, of another version, or a key is missing or wrong.
    """
    path = results / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}", cure=CURE) from None
    except ValueError as error:
        raise RunError(f"{path} is not valid JSON: {error}", cure=CURE) from None
    return _validated(document, path)


def write_benchmark(results: Path, document: Mapping[str, Any]) -> None:
    """Write ``RESULTS/benchmark.json`` atomically; a document that could not be read back is refused.

    Raises:
        RunError: a key is missing or wrong.
        OrienteerError: the file cannot be written.
    """
    path = results / FILE
    _validated({"schema_version": SCHEMA_VERSION, **document}, path)
    write_json(path, {"schema_version": SCHEMA_VERSION, **document})


def _validated(document: Any, path: Path) -> Benchmark:
    if not isinstance(document, dict):
        raise RunError(f"{path} holds no JSON object", cure=CURE)
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{path} has schema version {version}; this Orienteer reads {SCHEMA_VERSION}",
            cure="render it with the Orienteer that ran the benchmark",
        )
    try:
        benchmark = Benchmark.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        raise RunError(f"{path}: {problems}", cure=CURE) from None
    for what, names in (("task", [t.name for t in benchmark.tasks]), ("arm", [a.name for a in benchmark.arms])):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RunError(f"{path} names the {what} {twice[0]!r} twice", cure=f"give each {what} its own name")
    return benchmark
