"""Units of length as headers name them."""

import re

from orienteer.scans.findings import Finding, finding

MM = {
    1e-6: ("nm", "nanometer", "nanometre"),
    1e-3: ("um", "micron", "micrometer", "micrometre"),
    1.0: ("mm", "millimeter", "millimetre"),
    10.0: ("cm", "centimeter", "centimetre"),
    25.4: ("in", "inches", "inch"),
    1000.0: ("m", "meter", "metre"),
}
"""mm in one, by name; a plural may follow."""

BY_NAME = {name: mm for mm, names in MM.items() for name in names}
UNNAMED = ("", "?", "unknown", "none", "mm/voxel")


def millimetres(name: str) -> float | None:
    """mm in one of the named unit; 1 where no unit is named, None for one that is not known.

    Examples:
        >>> millimetres("um"), millimetres("Microns"), millimetres(""), millimetres("furlong")
        (0.001, 0.001, 1.0, None)
    """
    plain = re.sub("[µμ]", "u", name.strip("\0 \t").lower())
    if plain in UNNAMED:
        return 1.0
    return BY_NAME.get(plain, BY_NAME.get(plain.removesuffix("s")) if len(plain) > 2 else None)


def unit_findings(name: str) -> list[Finding]:
    """What is worth telling of the unit that a header names; a name that is not known is not repeated."""
    mm = millimetres(name)
    if mm is None:
        return [finding("unit-unknown", "the header's unit of length is not known, taken as mm")]
    return [] if mm == 1 else [finding("unit-scaled", f"the header's unit is {MM[mm][-1]}: scaled by {mm:g}")]
