"""The commands as Python functions of the same names, imported lazily.

Example::

    from orienteer import api

    api.check("scans")
    api.ingest("scans", "store", api.IngestOptions(spacing=3.0))
    api.pretrain("store", "run")
    api.evaluate("run", "store", split="test")
    api.report("run")
    answers = api.look("run", "store", "scan-0001", [[60, 80, 70], [90, 100, 80]])
    api.locate("run", "exemplar.nii.gz", "new-scans", "where", structure="labels.nii.gz:35").found
    api.propagate("run", "exemplar.nii.gz", "labels.nii.gz", "new-scans", "labels").trust
    api.orient("run", "new-scans", out="orientations", fix="corrected").found
    api.observe("run")
    api.probe("run", "store")
    api.finetune("store", "out", source="run", settings=api.FinetuneSettings(labelled_scans=3), seeds=(0, 1, 2))
    api.predict("out", "new-scans", "predictions")
    api.export("run", "encoder", licence="CC BY 4.0")
    api.verify("encoder").right
    api.import_weights("checkpoint_final.pth", "theirs")
    api.benchmark("benchmarks/oasis-cpu.yaml", "benchmark")
    api.compare("benchmark/results")
    api.demo("orienteer-demo")

Stores, runs, datasets, losses and tasks are in ``orienteer`` itself.

    >>> from orienteer import api
    >>> api.report("run").name
    'report.html'
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orienteer.benchmark.run import benchmark
    from orienteer.comparison import compare
    from orienteer.demo.run import demo
    from orienteer.export.bring_in import import_weights
    from orienteer.export.run import export
    from orienteer.export.verify import verify
    from orienteer.finetune.predict import predict
    from orienteer.finetune.run import finetune
    from orienteer.finetune.settings import FinetuneSettings
    from orienteer.frozen.probe import probe
    from orienteer.ingest import IngestOptions, ingest
    from orienteer.observatory.serve import observe
    from orienteer.report import report
    from orienteer.runs.ask import look
    from orienteer.runs.evaluate import evaluate
    from orienteer.runs.locate import locate
    from orienteer.runs.orient import orient
    from orienteer.runs.pretrain import pretrain
    from orienteer.runs.propagate import propagate
    from orienteer.runs.settings import PretrainSettings
    from orienteer.scans.check import check

_HOMES = {
    "FinetuneSettings": "orienteer.finetune.settings",
    "IngestOptions": "orienteer.ingest",
    "PretrainSettings": "orienteer.runs.settings",
    "benchmark": "orienteer.benchmark.run",
    "check": "orienteer.scans.check",
    "compare": "orienteer.comparison",
    "demo": "orienteer.demo.run",
    "evaluate": "orienteer.runs.evaluate",
    "export": "orienteer.export.run",
    "finetune": "orienteer.finetune.run",
    "import_weights": "orienteer.export.bring_in",
    "ingest": "orienteer.ingest",
    "locate": "orienteer.runs.locate",
    "look": "orienteer.runs.ask",
    "observe": "orienteer.observatory.serve",
    "orient": "orienteer.runs.orient",
    "predict": "orienteer.finetune.predict",
    "pretrain": "orienteer.runs.pretrain",
    "probe": "orienteer.frozen.probe",
    "propagate": "orienteer.runs.propagate",
    "report": "orienteer.report",
    "verify": "orienteer.export.verify",
}

__all__ = [
    "FinetuneSettings",
    "IngestOptions",
    "PretrainSettings",
    "benchmark",
    "check",
    "compare",
    "demo",
    "evaluate",
    "export",
    "finetune",
    "import_weights",
    "ingest",
    "locate",
    "look",
    "observe",
    "orient",
    "predict",
    "pretrain",
    "probe",
    "propagate",
    "report",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import a function when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'orienteer.api' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
