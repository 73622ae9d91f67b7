"""Weights fit as a whole, or nothing is touched and the folder is named."""

from pathlib import Path

import pytest
import torch
from torch import nn

from orienteer.errors import RunError
from orienteer.training.weights import restore_weights


def network(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))


def test_restore_weights__all_of_them() -> None:
    source, target = network(), network()
    restore_weights(target, source.state_dict(), Path("run"))
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


@pytest.mark.parametrize("fault", ["missing", "left over", "another shape"])
def test_restore_weights__one_that_does_not_fit_is_named_and_nothing_is_changed(fault: str) -> None:
    weights = dict(network(4 if fault == "another shape" else 3).state_dict())
    if fault == "missing":
        del weights["0.weight"]
    if fault == "left over":
        weights["0.old"] = torch.zeros(1)
    target = network()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(RunError, match=r"weights in some/run .* among them 0\.") as caught:
        restore_weights(target, weights, Path("some/run"))
    assert "version" in str(caught.value.cure) and "\n" not in caught.value.message
    assert all(torch.equal(before[name], tensor) for name, tensor in target.state_dict().items())
