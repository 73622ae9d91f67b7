"""From scans to crops: draw a recipe (random, pure data), then crop it (deterministic).

Views of a pretext task and labelled patches share recipes, cutter and loader. What needs torch is in ``dataset`` and
``loader``; nothing else here does.
"""

from orienteer.sampling.crop import Sample, crop
from orienteer.sampling.recipe import Appearance, SampleRecipe, ViewRecipe
from orienteer.sampling.rng import Purpose, generator, torch_seed
from orienteer.sampling.sampler import Sampler
from orienteer.sampling.settings import ViewSettings

__all__ = [
    "Appearance",
    "Purpose",
    "Sample",
    "SampleRecipe",
    "Sampler",
    "ViewRecipe",
    "ViewSettings",
    "crop",
    "generator",
    "torch_seed",
]
