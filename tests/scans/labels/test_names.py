"""What names of files say about labels."""

from hypothesis import given
from hypothesis import strategies as st

from orienteer.scans.labels.names import ALONE, IMAGE_WORD, PREFIXED, SUFFIXED, labels_among

WORDS = ["case", "p1", "p10", "1", "seg", "mask", "label", "image", "img", "volume", "ct", "gt", "v2", "manual", "MASK"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from(["", "-", "_", "."]).map(lambda between: between.join(words))
)


def is_label(name: str, names: set[str]) -> bool:
    """The rule, name by name."""
    scans = [other for other in names if not (SUFFIXED.match(other) or ALONE.match(other))]
    if suffixed := SUFFIXED.match(name):
        return any(other.startswith(suffixed["case"]) for other in scans)
    if ALONE.match(name):
        return bool(scans)
    if not (prefixed := PREFIXED.match(name)):
        return False
    images = [(other, IMAGE_WORD.match(other)) for other in scans if not PREFIXED.match(other)]
    return any((image["case"] if image else other) == prefixed["case"] for other, image in images)


@given(st.sets(NAMES, max_size=7))
def test_labels_among__is_the_rule_for_every_name(names: set[str]) -> None:
    assert labels_among(names) == {name for name in names if is_label(name, names)}


def test_labels_among__needs_a_scan_that_is_no_label() -> None:
    assert labels_among(["case", "case_seg", "other_seg"]) == {"case_seg"}
    assert labels_among(["volume-0", "segmentation-0", "segmentation-1"]) == {"segmentation-0"}
    assert labels_among(["mask", "t1"]) == {"mask"}
    assert labels_among(["mask", "p1_seg"]) == set()
