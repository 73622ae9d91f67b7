"""``python -m tests.golden.record``: record anew, and say what differs from before.

To be run on code whose figures are known to be right: what it writes counts as right from then on. To compare bit for
bit on another machine, run it there at the commit to compare with.
"""

import json
import tempfile
from pathlib import Path

from tests.golden.compare import differences, pretty
from tests.golden.work import collect

GOLDEN = Path(__file__).parent / "golden.json"


def main() -> None:
    """Run everything and replace ``golden.json``."""
    before = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        found = collect(Path(folder))
    GOLDEN.write_text(pretty(found) + "\n", encoding="utf-8")
    lines = list(differences(before, found, exact=True)) if before else []
    print("\n".join([*lines, f"{GOLDEN}: {len(lines)} values differ from before" if before else f"{GOLDEN}: new"]))


if __name__ == "__main__":
    main()
