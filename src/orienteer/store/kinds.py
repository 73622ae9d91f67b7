"""Whether a network may read the scans of a store: the same channels, in the same order."""

from orienteer.errors import RunError
from orienteer.scans.channels import Channels, channels_text, readable
from orienteer.store.manifest import Manifest


def require_channels(manifest: Manifest, learned: Channels, network: str) -> None:
    """Refuse a store whose channels are not those that a network learned from.

    Args:
        manifest: of the store.
        learned: number and names of the network's channels; names are compared where both sides know them.
        network: what to call it in the message.

    Raises:
        RunError: other channels, or the same ones in another order.
    """
    kinds = {(channels, manifest.channel_names) for channels in manifest.scans.column("channels")} or {manifest.kind}
    wrong = sorted(kind for kind in kinds if not readable(kind, learned))
    if wrong:
        raise RunError(
            f"{network} reads {channels_text(learned)}, the store holds {channels_text(wrong[0])}",
            cure="use scans with the same channels in the same order (`orienteer ingest --channels`); where only the"
            " names differ, call them the same in dataset.json",
        )


def same_spacing(one: float, other: float) -> bool:
    """Whether two spacings, mm, are equal but for what a file format rounds off."""
    return abs(one - other) <= 1e-6 * other
