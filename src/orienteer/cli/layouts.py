"""The options ``--layout`` and ``--channels``, which check, ingest and predict share."""

LAYOUT_HELP = (
    "How the folder is laid out: auto (what it says of itself: dataset.json, dataset_description.json), plain, nnunet,"
    " decathlon, bids, or one that an installed package adds."
)
CHANNELS_HELP = "Sequences that make one scan together, in order, e.g. T1w,FLAIR; by default what the layout says."


def channel_names(text: str | None) -> tuple[str, ...]:
    """``T1w, FLAIR`` as two names."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
