"""The Python API: one function for each command, with the same names and meanings.

Example::

    from orienteer import api

    api.check("scans")
    api.ingest("scans", "store", spacing=3.0)
    api.pretrain("store", "run")
    api.evaluate("run", "store", split="test")
    api.report("run")
    api.compare("results")
    api.demo("orienteer-demo")
"""

from orienteer.comparison import compare
from orienteer.demo.run import demo
from orienteer.pretraining.evaluate import evaluate
from orienteer.pretraining.run import pretrain
from orienteer.pretraining.settings import PretrainSettings
from orienteer.report import report
from orienteer.scans.check import check
from orienteer.store import Store, ingest

__all__ = ["PretrainSettings", "Store", "check", "compare", "demo", "evaluate", "ingest", "pretrain", "report"]
