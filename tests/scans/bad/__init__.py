"""Scans that are bad in one way each, with the finding they must get."""

from tests.scans.bad.contents import CONTENTS
from tests.scans.bad.files import FILES
from tests.scans.bad.kind import Bad
from tests.scans.bad.slices import SLICES

BAD: dict[str, Bad] = FILES | CONTENTS | SLICES
"""What is wrong, in words, to how it is written and what must be said of it."""

__all__ = ["BAD", "Bad"]
