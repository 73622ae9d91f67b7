"""Where else a run's figures go: TensorBoard, MLflow, Weights & Biases, a CSV. One short file each."""

from orienteer.loggers.contract import LoggedRun, Logger
from orienteer.loggers.point import Point

__all__ = ["LoggedRun", "Logger", "Point"]
