"""Whether two studies are of one PatientID, without keeping it: a digest that only this process can make or compare."""

import hashlib
import re
import secrets
from pathlib import Path

from pydicom.dataset import Dataset

from orienteer.scans.dicom.file import open_dataset

PATIENT = "PatientID"
KEY = secrets.token_bytes(32)
"""Never written: nobody can test later whether an id he thinks of was among the scans."""
NOBODY = re.compile(
    r"[\W_0x]*|(?:anon|de-?ident)[a-z]*|unknown|undefined|none|null|nil|n/?a|no[ _-]?(?:id|name)|missing|removed"
    r"|deleted|confidential|patient|subject|test|phantom|(?:patient|subject)[ _-]?id"
)
"""What programs that remove names write for everybody."""


def patient_of(data: Dataset) -> str:
    """A digest of a header's PatientID; empty where it names nobody."""
    element = data.get_item(PATIENT)
    value = element.value if element else None
    # As bytes: an id in a damaged character set would be quoted in a warning.
    text = (value.decode("latin-1") if isinstance(value, bytes) else str(value or "")).strip("\0 ").casefold()
    return "" if NOBODY.fullmatch(text) else hashlib.blake2b(text.encode(), key=KEY, digest_size=16).hexdigest()


def patient_at(path: Path) -> str:
    """The same of a file; empty also where it is gone or no DICOM."""
    try:
        return patient_of(open_dataset(path, [PATIENT]))
    except Exception:  # pydicom lets struct, zlib, recursion and many more through
        return ""
