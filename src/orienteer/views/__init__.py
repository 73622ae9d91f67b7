"""From scans to views: draw a recipe (random, pure data), then crop it (deterministic)."""

from orienteer.views.counted import Purpose, generator, torch_seed
from orienteer.views.crop import BODY_ABOVE, Sample, crop
from orienteer.views.recipe import Appearance, SampleRecipe, ViewRecipe
from orienteer.views.sample import Sampler
from orienteer.views.settings import ViewSettings

__all__ = [
    "BODY_ABOVE",
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
