"""The phantoms and the oracles that evaluation is tested on."""

from tests.evaluation.conftest import oracle, sampler, store

__all__ = ["oracle", "sampler", "store"]
