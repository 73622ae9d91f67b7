"""The options ``--layout`` and ``--channels``, which check, ingest and predict share."""

from enum import StrEnum

LAYOUT_HELP = "How the folder is laid out; auto: what it says of itself (dataset.json, dataset_description.json)."
CHANNELS_HELP = "Sequences that make one scan together, in order, e.g. T1w,FLAIR; by default what the layout says."


class LayoutOption(StrEnum):
    """Layouts that are known."""

    auto = "auto"
    plain = "plain"
    nnunet = "nnunet"
    decathlon = "decathlon"
    bids = "bids"


def channel_names(text: str | None) -> tuple[str, ...]:
    """``T1w, FLAIR`` as two names."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
