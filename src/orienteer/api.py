"""The Python API: one function for each command, with the same names and meanings.

Example::

    from orienteer import api

    api.check("scans")
    api.ingest("scans", "store", api.IngestOptions(spacing=3.0))
    api.pretrain("store", "run")
    api.evaluate("run", "store", split="test")
    api.report("run")
    seen = api.look("run", "store", "scan-0001", [[60, 80, 70], [90, 100, 80]])
    found = api.where("run", "store", "scan-0001", [60, 80, 70], "scan-0002")
    api.observe("run")
    api.probe("run", "store")
    api.finetune("store", "out", source="run", settings=api.FinetuneSettings(labels=3), seeds=(0, 1, 2))
    api.predict("out", "new-scans", "predictions")
    encoder = api.Run.open("run").backbone().encoder
    api.benchmark("benchmarks/oasis-cpu.yaml", "benchmark")
    api.compare("benchmark/results")
    api.demo("orienteer-demo")
"""

from orienteer.benchmark.run import benchmark
from orienteer.comparison import compare
from orienteer.demo.run import demo
from orienteer.finetune.predict import predict
from orienteer.finetune.run import finetune
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.probe import probe
from orienteer.ingest import IngestOptions, ingest
from orienteer.observatory.serve import observe
from orienteer.report import report
from orienteer.runs.evaluate import evaluate
from orienteer.runs.pretrain import pretrain
from orienteer.runs.restore import look, where
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.scans.check import check
from orienteer.store import Store

__all__ = [
    "FinetuneSettings",
    "IngestOptions",
    "PretrainSettings",
    "Run",
    "Store",
    "benchmark",
    "check",
    "compare",
    "demo",
    "evaluate",
    "finetune",
    "ingest",
    "look",
    "observe",
    "predict",
    "pretrain",
    "probe",
    "report",
    "where",
]
