"""From scans to views: draw a recipe (random, pure data), then crop it (deterministic)."""

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
