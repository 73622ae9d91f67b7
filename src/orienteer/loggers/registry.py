"""The loggers there are, by the name that ``--log`` takes. Asking for names imports nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orienteer.errors import ConfigError
from orienteer.registry import Registry

if TYPE_CHECKING:
    from orienteer.loggers.contract import Logger

LOGGERS: "Registry[Logger]" = Registry(
    "orienteer.loggers.contract:Logger",
    "orienteer.loggers",
    {
        "csv": "orienteer.loggers.csv:CsvLogger",
        "tensorboard": "orienteer.loggers.tensorboard:TensorBoardLogger",
        "mlflow": "orienteer.loggers.mlflow:MlflowLogger",
        "trackio": "orienteer.loggers.trackio:TrackioLogger",
        "wandb": "orienteer.loggers.wandb:WandbLogger",
    },
)
"""A new logger is one file in this folder and one line here; an installed package announces its own in the entry-point
group ``orienteer.loggers``."""

NONE = "none"
"""Said alone, it switches off what a resumed run logged to before."""


def require(names: Sequence[str]) -> tuple[str, ...]:
    """The loggers of these names, each once, ready to be used.

    Raises:
        ConfigError: an unknown name, or ``none`` beside another one.
        OrienteerError: a package is missing; the fix names the extra.
    """
    chosen = tuple(dict.fromkeys(names))
    if chosen == (NONE,):
        return ()
    for name in chosen:
        if name not in LOGGERS:
            alone = "give it alone" if name == NONE else f"choose from {', '.join(LOGGERS)}; or {NONE}, alone"
            raise ConfigError(f"--log {name}" + (" beside others" if name == NONE else " is unknown"), cure=alone)
        LOGGERS[name].require()
    return chosen
