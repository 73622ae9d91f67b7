"""The card: what a person reads first in the folder of an exported encoder."""

from orienteer.export.contract import Contract, Input
from orienteer.export.doors.door import Door
from orienteer.units import counted

WARNED = {
    "stuck": "**This encoder has learned hardly anything.** It was exported all the same, as was asked for.",
    "cheating": "**This encoder is right for a wrong reason.** It was exported all the same, as was asked for.",
}


def card(contract: Contract, door: Door) -> str:
    """The card as Markdown, with how the program uses what is beside it."""
    grid, values, asked, learned = contract.grid, contract.intensities, contract.input, contract.learned
    extent = " x ".join(f"{a:g}-{b:g}" for a, b in learned.extent_mm)
    imported = bool(learned.imported)
    names = f" ({', '.join(asked.channel_names)}, in this order)" if asked.channel_names else ""
    lines = [
        "# An encoder of 3D scans, pretrained without labels",
        "",
        *([WARNED[learned.verdict], ""] if learned.verdict in WARNED else []),
        f"Verdict: **{learned.verdict}**. {learned.sentence}",
        "",
        *([f"**Its weights were imported**: {learned.imported}.", ""] * imported),
        f"Learned from {counted(learned.scans, 'scan')} of {counted(learned.subjects, 'subject')}"
        f"{', all simulated' if learned.simulated else ''}{f', bodies of {extent} mm (R, A, S)' if extent else ''}; "
        f"tasks: {', '.join(learned.tasks)}{f'; step {learned.step:,}' if learned.step else ''}.",
        f"Modality: {learned.modality or 'not stated'}. Anatomy: {learned.anatomy or 'not stated'}.{_seen(contract)}",
        f"Licence of the training data: {contract.licence}.",
        "",
        "## How to prepare a scan",
        "",
        *([door.prepares, ""] if door.prepares else []),
        f"1. Axes: {grid.axes}, the order of array axes, each growing that way.",
        f"2. Voxels of {grid.spacing_mm:g} mm: {grid.interpolation}. Extent: {grid.extent}.",
        f"3. Intensities, {_scaled(contract)}",
        f"4. {asked.dtype} {asked.shape}, {counted(asked.channels, 'channel')}{names}. {_edges(asked)}; "
        f"pad with {values.padding:g}. It learned from cubes of {asked.view_voxels} voxels "
        f"({asked.view_voxels * grid.spacing_mm:g} mm).",
        "",
        "Is your own preparation right? Write `preprocess(path)` that returns one scan's array, and ask:",
        "",
        "```bash",
        "orienteer verify . --with my_preprocess.py",
        "```",
        "",
        "`phantom.nii.gz` is a scan made from a formula; `selftest.safetensors` holds what the preparation makes of "
        "it, and the features of a view cut from its middle. `contract.json` says all of this to programs.",
        "",
        "## How to use it",
        "",
        door.usage(contract),
        "",
        f"Written by Orienteer {contract.orienteer_version}, which trains encoders by the method of arXiv 2509.05967. "
        "Not a medical device.",
    ]
    return door.front_matter(contract) + "\n".join(lines) + "\n"


def _edges(asked: Input) -> str:
    """Which sizes of image the network takes."""
    if not asked.least_edge:
        return f"Edges: {asked.view_voxels} voxels, no other"
    return f"Edges: multiples of {asked.stride}, {asked.least_edge} or more"


def _seen(contract: Contract) -> str:
    """Voxels and intensities of the training scans."""
    learned, values = contract.learned, contract.intensities
    voxels = " x ".join(_span(low, high) for low, high in learned.voxel_mm)
    windows = [
        f"{_span(floor, top)}, and what became {values.high:g} lies {_span(least, most)} above"
        for floor, top, least, most in learned.window
    ]
    return (f" Voxels of {voxels} mm (R, A, S) before resampling." if voxels else "") + (
        f" In their own units, what became {values.low:g} is {'; '.join(windows)}." if windows else ""
    )


def _span(low: float, high: float) -> str:
    """Two numbers, or one where they agree."""
    one, other = (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" for value in (low, high))
    return one if one == other else f"{one} ... {other}"


def _scaled(contract: Contract) -> str:
    """The rule for intensities, and what it rests on."""
    values = contract.intensities
    cut = f"cut off at {values.limits[0]:g} and {values.limits[1]:g}"
    if values.range:
        return f"as the file's header scales them (HU of a CT): {contract.parameters.convention.words}, {cut}."
    exception = f"; {values.background}" if values.background else ""
    return f"in each channel: {contract.parameters.convention.words}, {cut}{exception}. The body: {values.body}."
