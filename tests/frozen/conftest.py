"""The labelled cohort and the tiny pretraining run that fine-tuning is tested on."""

from tests.finetune.conftest import folder, run, stand_in, store, undisturbed

__all__ = ["folder", "run", "stand_in", "store", "undisturbed"]
