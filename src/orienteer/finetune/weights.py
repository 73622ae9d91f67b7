"""Weights from a pretraining run into a new network, with an account of what fits and what does not."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from orienteer.errors import RunError
from orienteer.runs.load import backbone_weights, best_or_warn
from orienteer.runs.run import Run


@dataclass(frozen=True)
class Loaded:
    """What became of every weight.

    Attributes:
        loaded: names taken from the run.
        missing: names of the new network that keep their random start.
        unexpected: names of the run that the new network does not have.
        step: the run's step they are from.
        sha256: of the values taken; two runs of one kind differ in nothing else.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    step: int
    sha256: str

    def to_json(self) -> dict[str, object]:
        """For ``weights.json``."""
        return asdict(self)

    def sentence(self) -> str:
        """One line for the terminal and the record."""
        return (
            f"{len(self.loaded)} weights taken (step {self.step}), {len(self.missing)} start afresh, "
            f"{len(self.unexpected)} of the run have no place here"
        )


def load_weights(network: nn.Module, run: Run, *, decoder: bool = True, patch: int | None = None) -> Loaded:
    """Copy the run's encoder, and with ``decoder`` its decoder, into ``network``.

    Args:
        network: with submodules ``encoder`` and, where it has one, ``decoder``.
        run: a pretraining run.
        decoder: take the decoder too.
        patch: patch edge that ``network`` was built for, voxels, where it is known.

    Raises:
        RunError: no checkpoint, an encoder that is not this one, or nothing that fits.
    """
    checkpoint = best_or_warn(run)
    source, target = backbone_weights(checkpoint), network.state_dict()
    same_stride = run.settings.network.dense_stride == getattr(getattr(network, "decoder", None), "stride", None)
    fitting = {
        name: value
        for name, value in source.items()
        if name in target and target[name].shape == value.shape and _wanted(name, decoder, same_stride)
    }
    _check_encoder(run, source, target, views=run.settings.views.size, patch=patch)
    if not fitting:
        raise RunError(f"{run.path}: not one weight fits this network", cure="give the network the run was made with")
    network.load_state_dict(fitting, strict=False)
    return Loaded(
        loaded=tuple(sorted(fitting)),
        missing=tuple(sorted(set(target) - set(fitting))),
        unexpected=tuple(sorted(set(source) - set(fitting))),
        step=checkpoint.step,
        sha256=_sha256(fitting),
    )


def _sha256(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + b"\0")
        digest.update(weights[name].detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _wanted(name: str, decoder: bool, same_stride: bool) -> bool:
    if name.startswith("encoder."):
        return True
    # The decoder's last layer speaks at the run's own stride; at another one it would mean something else.
    return decoder and name.startswith("decoder.") and (same_stride or not name.startswith("decoder.last."))


def _check_encoder(
    run: Run, source: Mapping[str, Tensor], target: Mapping[str, Tensor], *, views: int, patch: int | None
) -> None:
    """An encoder that fits in part is another encoder: half of it random, it would fail in silence."""
    wrong = [
        f"{name} is {_shape(source.get(name))} in the run and {_shape(target.get(name))} here"
        for name in sorted({*source, *target})
        if name.startswith("encoder.") and _shape(source.get(name)) != _shape(target.get(name))
    ]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        if patch is not None and patch != views:  # vit and swin have weights for one size of image only
            raise RunError(
                f"{run.path} learned on views of {views} voxels, and its encoder cannot take patches of {patch}:"
                f" {wrong[0]}{more}",
                cure=f"add --set patches.size={views}",
            )
        raise RunError(
            f"{run.path} was made with another encoder: {wrong[0]}{more}",
            cure="leave network.name, size and options as the run has them, and ingest with the same channels",
        )


def _shape(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else "x".join(map(str, tensor.shape)) or "a number"
