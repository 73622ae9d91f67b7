"""A whole scan through a network: sliding windows for classes, an average of windows for one answer."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from monai.inferers import SlidingWindowInferer
from numpy.typing import NDArray
from torch import Tensor

from orienteer.finetune.patches import OUTSIDE
from orienteer.finetune.settings import InferenceSettings

Scores = Callable[[Tensor], Tensor]


@torch.no_grad()
def scan_probabilities(
    scores: Scores,
    image: NDArray[np.float32],
    *,
    patch: int,
    settings: InferenceSettings,
    device: torch.device,
) -> Float[Tensor, "classes D H W"]:
    """Softmax of blended windows.

    Args:
        scores: patches ``(N, C, S, S, S)`` to ``(N, classes, S, S, S)``.
        image: ``(C, D, H, W)``, normalised; any size, smaller than a window too.
        patch: window edge, voxels.
        settings: overlap and batch.
        device: where the network is.
    """
    inferer = SlidingWindowInferer(
        roi_size=patch,
        sw_batch_size=settings.batch,
        overlap=settings.overlap,
        mode="gaussian",
        cval=OUTSIDE,
        sw_device=device,
        device=torch.device("cpu"),
    )
    blended = inferer(torch.from_numpy(image)[None], scores)
    assert isinstance(blended, Tensor)
    return blended[0].float().softmax(0)


@torch.no_grad()
def scan_answer(
    scores: Scores, image: NDArray[np.float32], *, patch: int, settings: InferenceSettings, device: torch.device
) -> NDArray[np.float32]:
    """``(outputs,)`` scores averaged over evenly spread windows that cover the scan.

    A window that holds next to nothing but background has no say.
    """
    windows = np.stack(
        [window(image, np.array(low), patch) for low in covering(image.shape[1:], patch, overlap=settings.overlap)]
    )
    bright = (windows > OUTSIDE + 0.05).any(axis=1).mean(axis=(1, 2, 3))
    windows = windows[bright >= min(0.15, float(bright.max()))]
    parts = [
        scores(torch.from_numpy(windows[start : start + settings.batch]).to(device)).float().cpu()
        for start in range(0, len(windows), settings.batch)
    ]
    answer: NDArray[np.float32] = torch.cat(parts).mean(0).numpy()
    return answer


def covering(shape: tuple[int, ...], patch: int, *, overlap: float) -> list[tuple[int, int, int]]:
    """First voxels of evenly spread windows that cover a scan; negative where a window is larger than it."""
    step = max(1, round(patch * (1 - overlap)))
    lines = []
    for length in shape:
        room = length - patch
        count = 1 if room <= 0 else -(-room // step) + 1
        lines.append([room // 2] if count == 1 else np.rint(np.linspace(0, room, count)).astype(int).tolist())
    return [(int(x), int(y), int(z)) for x in lines[0] for y in lines[1] for z in lines[2]]


def window(image: NDArray[np.float32], low: NDArray[np.int_], patch: int) -> NDArray[np.float32]:
    """``(C, S, S, S)`` voxels from ``low`` on; background outside the scan."""
    shape = np.array(image.shape[1:])
    result = np.full((len(image), patch, patch, patch), OUTSIDE, dtype=np.float32)
    start, stop = np.maximum(low, 0), np.minimum(low + patch, shape)
    source = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    target = tuple(slice(a, b) for a, b in zip(start - low, stop - low, strict=True))
    result[(slice(None), *target)] = image[(slice(None), *source)]
    return result
