"""How-to pages as tests read them: the files, the lines and the commands that a page asks its reader for."""

import re
import shutil
from pathlib import Path

import orienteer

REPOSITORY = Path(__file__).resolve().parent.parent
HOW_TO = REPOSITORY / "docs" / "how-to"


class Page:
    """One page of ``docs/how-to``."""

    def __init__(self, name: str) -> None:
        self.text = (HOW_TO / name).read_text(encoding="utf-8")

    @property
    def files(self) -> dict[str, str]:
        """Whole files by path, as in: File `my_nets.py`, a colon, and a block of Python."""
        return dict(re.findall(r"File\s+`([^`]*\.py)`:\n\n```python\n(.*?)```", self.text, flags=re.DOTALL))

    @property
    def lines(self) -> dict[str, list[str]]:
        """Lines to add, by file, from a diff that follows the file's name."""
        found = re.findall(r"In `([^`]*\.py)`[^:]*:\n\n```diff\n(.*?)```", self.text, flags=re.DOTALL)
        return {path: re.findall(r"^\+(.*\n)", diff, flags=re.MULTILINE) for path, diff in found}

    @property
    def edits(self) -> dict[str, list[tuple[str, str]]]:
        """What to find and what to put there, by file, from the diffs that follow the file's name."""
        found = re.findall(r"In `([^`]*\.py)`[^:]*:((?:\s*```diff\n.*?```)+)", self.text, flags=re.DOTALL)
        return {
            path: [_edit(diff) for diff in re.findall(r"```diff\n(.*?)```", text, flags=re.DOTALL)]
            for path, text in found
        }

    @property
    def commands(self) -> list[str]:
        """Commands of its shell blocks."""
        blocks = re.findall(r"```bash\n(.*?)```", self.text, flags=re.DOTALL)
        return [line for block in blocks for line in block.splitlines() if line.startswith("orienteer ")]


def _edit(diff: str) -> tuple[str, str]:
    """The lines of a diff before and after."""
    lines = diff.splitlines(keepends=True)
    return tuple("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))  # type: ignore[return-value]


def copy_of_source(folder: Path) -> Path:
    """A copy of the package's source below ``folder/src``."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(orienteer.__file__).parent, folder / "src" / "orienteer", ignore=ignored)
    return folder
