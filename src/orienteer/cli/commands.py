"""All commands in the order of use, one line each; importing this module registers them."""

# ruff: noqa: F401, I001
from orienteer.cli import check
from orienteer.cli import ingest
from orienteer.cli import pretrain
from orienteer.cli import evaluate
from orienteer.cli import report
from orienteer.cli import observe
from orienteer.cli import finetune
from orienteer.cli import predict
from orienteer.cli import probe
from orienteer.cli import benchmark
from orienteer.cli import compare
from orienteer.cli import demo
