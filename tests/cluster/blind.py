"""A worker on a machine where the folder of scans is not mounted."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

from orienteer.cluster import work


def _stat(path: str) -> os.stat_result:
    if path.endswith(".nii.gz"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return Path(path).stat()


work.os = SimpleNamespace(stat=_stat, access=os.access, W_OK=os.W_OK)
work.socket = SimpleNamespace(gethostname=lambda: "node-without-scans")
