"""A whole scan through a network: sliding windows for classes, an average of windows for one answer."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from monai.inferers import SlidingWindowInferer
from numpy.typing import NDArray
from torch import Tensor

from orienteer.finetune.settings import InferenceSettings
from orienteer.geometry.boxes import covering, padded_box
from orienteer.store.intensity import BODY_ABOVE, FLOOR

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
        cval=FLOOR,
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

    A window that holds next to nothing but background is ignored.
    """
    windows = np.stack(
        [
            padded_box(image, low, patch, fill=FLOOR)
            for low in covering(image.shape[1:], patch, overlap=settings.overlap)
        ]
    )
    bright = (windows > BODY_ABOVE).any(axis=1).mean(axis=(1, 2, 3))
    windows = windows[bright >= min(0.15, float(bright.max()))]
    parts = [
        scores(torch.from_numpy(windows[start : start + settings.batch]).to(device)).float().cpu()
        for start in range(0, len(windows), settings.batch)
    ]
    answer: NDArray[np.float32] = torch.cat(parts).mean(0).numpy()
    return answer
