"""The documentation builds as a site that works offline, with the notebook run and the API from docstrings."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.pages import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.mark.slow
def test_site__works_offline_with_the_notebook_run_and_the_api(tmp_path: Path) -> None:
    notebooks = list(DOCS.rglob("*.ipynb"))
    cells = [cell for notebook in notebooks for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]]
    assert all(not cell.get("outputs") for cell in cells), "clear the outputs"
    # A link that leads nowhere, or a cell of a notebook that fails, fails the build.
    command = [sys.executable, DOCS / "make_site.py", tmp_path / "site"]
    built = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"})
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {page: page.read_text(encoding="utf-8") for page in (tmp_path / "site").rglob("*.html")}
    assert "4 scans to learn from, voxels of 3.0 mm" in pages[tmp_path / "site" / "notebooks" / "library.html"]
    assert "A folder of scans on one grid" in pages[tmp_path / "site" / "reference" / "api.html"]
    for page, text in pages.items():
        asked = re.findall(r"<(?:script|img)[^>]* src=\"?(https?:[^\s\">]+)", text)
        asked += re.findall(r"<link[^>]*rel=\"?stylesheet\"?[^>]* href=\"?(https?:[^\s\">]+)", text)
        assert asked == [], page


def test_site__every_page_is_in_the_navigation() -> None:
    navigation = (DOCS / "site.toml").read_text(encoding="utf-8")
    assert tomllib.loads(navigation)["project"]["nav"]
    named = set(re.findall(r"\"([\w/-]+\.md)\"", navigation))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert {page for page in pages - named if not page.startswith("decisions/")} == set()
