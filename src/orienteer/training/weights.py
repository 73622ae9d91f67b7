"""Weights back into a network: all of them, or an error that says what to do."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from orienteer.errors import RunError


def restore_weights(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    owner: Path,
    *,
    cure: str = "restore its settings.yaml, or use the version of orienteer that made it",
) -> None:
    """Load ``weights`` into ``network``; nothing is changed unless every one fits.

    Args:
        network: built from the owner's settings.
        weights: by name, as a checkpoint holds them.
        owner: the folder or file they were read from, for the message.
        cure: what to do where they do not fit.

    Raises:
        RunError: a weight is missing, left over, or of another shape.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    unlike = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if unlike:
        raise RunError(
            f"the weights in {owner} are not those of the network that is described there: {len(unlike)} are "
            f"missing, left over or of another shape, among them {unlike[0]}",
            cure=cure,
        )
    network.load_state_dict(dict(weights))
