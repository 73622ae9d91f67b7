"""Values of a DICOM header that cannot be read as they stand: commas for decimal points, and worse."""

from collections.abc import Iterable

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

DEEPEST = 8
"""Sequences within sequences that are looked into; enhanced files have three."""


def mend_commas(data: Dataset, depth: int = 0) -> set[str]:
    """Make decimal points of the commas in a header's decimal strings; returns the names of the tags.

    DICOM parts values by a backslash, so a comma is never one that parts.
    """
    mended = set()
    for tag in list(data.keys()):
        raw = data.get_item(tag)
        if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes) and _is_decimal(raw):
            if b"," in raw.value:
                data[tag] = raw._replace(value=raw.value.replace(b",", b"."))
                mended.add(tag_name(tag))
        elif depth < DEEPEST and raw is not None and raw.VR == "SQ":
            for item in data[tag].value or ():
                mended |= mend_commas(item, depth + 1)
    return mended


def damaged_tags(data: Dataset, names: Iterable[str | int]) -> list[str | int]:
    """Those of the tags that are there and whose values cannot be read."""
    return [name for name in names if not _readable(data, name)]


def tag_name(tag: str | int) -> str:
    """The keyword of a tag, or its number where it is private."""
    return tag if isinstance(tag, str) else keyword_for_tag(tag) or str(Tag(tag))


def drop(data: Dataset, tag: str | int) -> None:
    """Take a tag out of a header."""
    del data[Tag(tag) if isinstance(tag, int) else BaseTag(tag_for_keyword(tag) or 0)]


def _readable(data: Dataset, name: str | int) -> bool:
    try:
        if name not in data:
            return True
        element = data[name]
        if element.VR in ("DS", "IS") and element.value is not None:
            values = element.value if element.VM > 1 else [element.value]
            [float(value) for value in values if str(value).strip()]
    except Exception:  # pydicom lets many through, and the value is all that they are about
        return False
    return True


def _is_decimal(raw: RawDataElement) -> bool:
    if raw.VR:
        return str(raw.VR) == "DS"
    try:
        return str(dictionary_VR(raw.tag)) == "DS"
    except KeyError:
        return False
