"""The options ``--layout`` and ``--channels``, shared by check, ingest and predict."""

LAYOUT_HELP = (
    "Layout of the folder: auto (from dataset.json or dataset_description.json), plain, nnunet, decathlon, bids, or one"
    " of an installed package."
)
CHANNELS_HELP = "Sequences that form the channels of a scan, in order, e.g. T1w,FLAIR; default those of the layout."


def channel_names(text: str | None) -> tuple[str, ...]:
    """``T1w, FLAIR`` as two names."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
