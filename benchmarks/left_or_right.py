"""Is a scan mirrored? A run's pose task on people it has not seen, beside templates that learn nothing.

    python -m benchmarks.left_or_right RUN STORE [--split val] [--windows 64] [--template]

A scan's answer is the mean log-odds over windows around the middle of its body, which is where a mirrored scan's would
be too, so that where the body lies in its file tells nothing. A mirrored scan gets the same answer with the other sign:
each scan is one decision, and below 0 is right. It is asked again of views changed in ways that training never showed.
``--template`` registers each scan and its mirror image to the symmetric mean of the training scans (affine), and
correlates them with the mean that is not symmetric. Choose on ``val``; ``test`` is for the end.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from orienteer.pretext.contract import TellsMirrored
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.store.intensity import BODY_ABOVE

AIR = -1.0
MARGIN = 8
"""Voxels of air around a scan, so that a window may leave it."""
JITTER = 1.5
"""Largest way of a window's centre from the body's middle, voxels, beyond what the body leaves free."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--windows", type=int, default=64)
    parser.add_argument("--template", action="store_true")
    given = parser.parse_args()
    store = Store.open(given.store)
    if given.template:
        template(store, given.split)
        return
    ask = asked(Run.open(given.run))
    for name, change in CHANGES.items():
        print(f"{name:<20}", end="")
        for scan in store.ids(given.split):
            log_odds = ask(whole(store, scan), given.windows, change)
            print(f"  {scan} {log_odds.mean():+.2f} ± {log_odds.std():.2f}, {(log_odds < 0).mean():4.0%}", end="")
        print(flush=True)


def whole(store: Store, scan: str) -> Tensor:
    """``(C, D, H, W)`` in window units, all air alike, with a margin of air."""
    image = torch.from_numpy(store.normalise(scan, store.read(scan)))
    return functional.pad(torch.where(image > BODY_ABOVE, image, AIR), [MARGIN] * 6, value=AIR)


def asked(run: Run) -> Callable[[Tensor, int, Callable[[Tensor], Tensor]], np.ndarray]:
    """Log-odds per window that a scan is mirrored."""
    model, edge = run.model().eval(), run.record.data.view_voxels
    task = next(task for task in model.tasks.values() if isinstance(task, TellsMirrored))

    @torch.no_grad()
    def ask(image: Tensor, windows: int, change: Callable[[Tensor], Tensor]) -> np.ndarray:
        random, body = np.random.default_rng(0), (image > BODY_ABOVE)[0]
        ends = np.array([(n.min().item(), n.max().item()) for n in body.nonzero().T])
        free = np.maximum((ends[:, 1] - ends[:, 0] + 1 - edge) / 2, 0) + JITTER
        low = np.rint(ends.mean(axis=1) + free * random.uniform(-1, 1, (windows, 3)) - (edge - 1) / 2).astype(int)
        low = np.clip(low, 0, np.array(body.shape) - edge)
        views = torch.stack([change(image[:, r : r + edge, a : a + edge, s : s + edge]) for r, a, s in low])
        return task.mirrored(model.backbone(views).embedding, model.backbone(views.flip(2)).embedding).numpy()

    return ask


def brighter(right: float) -> Callable[[Tensor], Tensor]:
    """Intensities above air times 1 - ``right`` at the left face, 1 + ``right`` at the right one."""
    return lambda view: (view - AIR) * (1 + right * torch.linspace(-1, 1, view.shape[1])[:, None, None]) + AIR


def slab(axis: int, *, low: bool) -> Callable[[Tensor], Tensor]:
    """40 % of a view's planes along an axis become air, at its lower or its upper end."""

    def cut(view: Tensor) -> Tensor:
        gone = round(0.4 * view.shape[1 + axis])
        planes = torch.arange(view.shape[1 + axis])
        kept = (planes >= gone if low else planes < len(planes) - gone).reshape(
            [-1 if n == axis else 1 for n in range(3)]
        )
        return torch.where(kept, view, AIR)

    return cut


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "as it is": lambda view: view,
    "40 % brighter right": brighter(0.4),
    "40 % brighter left": brighter(-0.4),
    "contrast inverted": lambda view: torch.where(view > BODY_ABOVE, -0.2 - view, view),
    "outline alone": lambda view: torch.where(view > -0.7, 0.4, AIR),
    "lower part": slab(2, low=False),
    "upper part": slab(2, low=True),
    "front part": slab(1, low=True),
    "back part": slab(1, low=False),
}


def template(store: Store, split: str) -> None:
    """Print each scan's correlation with the mean of the training scans, less that of its mirror image."""
    shape = [max(entry.shape[n] for entry in store.scans) + 2 * MARGIN for n in range(3)]
    known = [centred(whole(store, scan), shape) for scan in store.ids("train")]
    mean = torch.stack(known).mean(0)
    for _ in range(2):
        even = (mean + mean.flip(1)) / 2
        mean = torch.stack([registered(scan, even) for scan in known]).mean(0)
    even, odd = (mean + mean.flip(1)) / 2, (mean - mean.flip(1)) / 2
    for name, change in CHANGES.items():
        print(f"{name:<20}", end="")
        for scan in store.ids(split):
            image = change(centred(whole(store, scan), shape))
            one, other = registered(image, even), registered(image.flip(1), even)
            better = correlation(one, mean, near(even)) - correlation(other, mean, near(even))
            uneven = correlation(one - one.flip(1), odd, near(even))
            print(f"  {scan} {better:+.4f}, odd part {uneven:+.3f}", end="", flush=True)
        print()


def centred(image: Tensor, shape: list[int]) -> Tensor:
    """The image in a box of that shape, the middle of its body in the box's."""
    body = (image > BODY_ABOVE)[0].nonzero().float()
    grown = functional.pad(image, [n for size in reversed(shape) for n in (size, size)], value=AIR)
    low = (body.mean(0).round().int() + torch.tensor(shape) - torch.tensor(shape) // 2).tolist()
    return grown[(slice(None), *(slice(start, start + size) for start, size in zip(low, shape, strict=True)))]


def near(even: Tensor) -> Tensor:
    """1 where the template's body is, and two voxels around it."""
    return functional.max_pool3d((even > -0.9).float()[None], 5, 1, 2)[0]


def correlation(one: Tensor, other: Tensor, where: Tensor) -> Tensor:
    """Pearson's, over ``where``."""
    one, other = (each - (each * where).sum() / where.sum() for each in (one, other))
    found: Tensor = (where * one * other).sum() / ((where * one**2).sum() * (where * other**2).sum()).sqrt()
    return found


def registered(image: Tensor, target: Tensor, steps: int = 70) -> Tensor:
    """The image moved by the affine map that correlates best with the target in size, whatever its sign."""
    shift, linear = torch.zeros(3, requires_grad=True), torch.zeros(3, 3, requires_grad=True)
    optimiser, where = torch.optim.Adam([shift, linear]), near(target)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.02 * (1 - step / steps) + 0.001
        moved = warped(image, shift, linear)
        optimiser.zero_grad()
        (-correlation(moved, target, where).abs()).backward()
        optimiser.step()
    return warped(image, shift, linear).detach()


def warped(image: Tensor, shift: Tensor, linear: Tensor) -> Tensor:
    """The image through an affine map, in grid coordinates; air comes in from outside."""
    size = torch.tensor(image.shape[1:]).flip(0).float()
    matrix = (torch.eye(3) + linear) * size / size[:, None]
    grid = functional.affine_grid(torch.cat([matrix, shift[:, None]], 1)[None], [1, *image.shape], align_corners=False)
    return functional.grid_sample(image[None] - AIR, grid, align_corners=False)[0] + AIR


if __name__ == "__main__":
    main()
