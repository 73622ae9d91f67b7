"""The true direction of a neighbour, from view centres alone."""

from jaxtyping import Float, Int
from torch import Tensor

from orienteer.sampling.placement import DIRECTIONS


def direction_class(offset: Float[Tensor, "*n 3"]) -> Int[Tensor, "*n"]:
    """Which of the 26 directions of a 3 x 3 x 3 grid lies nearest in angle, as an index into ``DIRECTIONS``."""
    directions = offset.new_tensor(DIRECTIONS)
    nearest: Tensor = (offset @ (directions / directions.norm(dim=1, keepdim=True)).T).argmax(-1)
    return nearest
