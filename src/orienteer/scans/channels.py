"""Which channels scans have: a network reads one kind, the same in number and order."""

import re
from collections import Counter
from collections.abc import Iterable

from orienteer.scans.findings import Finding, finding

WEIGHTED = re.compile(r"(?<=[t]\d)w$")

Channels = tuple[int, tuple[str, ...]]
"""How many a scan has, and their names where a layout says them."""


def usual_channels(channels: Iterable[Channels]) -> Channels:
    """What most scans have; where as many have others, the one with more channels."""
    channels = sorted(channels)
    counts = Counter(map(_key, channels))
    return max(channels, key=lambda one: (counts[_key(one)], _key(one)), default=(1, ()))


def odd_channels(channels: Channels, usual: Channels) -> Finding | None:
    """An error for a scan whose channels, or their order, are not the usual ones.

    A single channel may be any sequence; of several, the names must agree.
    """
    if _key(channels) == _key(usual):
        return None
    return finding("channels-mixed", f"{channels_text(channels)}, where the others have {channels_text(usual)}")


def readable(channels: Channels, learned: Channels) -> bool:
    """Whether a network that learned from one kind may read another; names count where both are known.

    BIDS says T1w for what others call T1: that is one name.
    """
    known = all(names and not all(name.isdigit() for name in names) for names in (channels[1], learned[1]))
    return _key(channels) == _key(learned) if known else channels[0] == learned[0]


def channels_text(channels: Channels) -> str:
    """``2 channels (T1, FLAIR)``."""
    count, names = channels
    named = f" ({', '.join(names)})" if names and count > 1 else ""
    return f"{count} channel{'s' * (count != 1)}{named}"


def _key(channels: Channels) -> Channels:
    count, names = channels
    return count, tuple(WEIGHTED.sub("", name.casefold()) for name in names) if count > 1 else ()
