"""Every relative link of the documentation leads to a file, and to a heading of it where it names one."""

import re
from pathlib import Path

import pytest

from tests.pages import REPOSITORY

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def links(page: Path) -> list[str]:
    """Targets of a page's links and pictures outside blocks of code, but for addresses on the web."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors that a host of Markdown gives to a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = (
        re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    )
    return {heading.strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links__lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target} leads to no file"
        if anchor and to.suffix == ".md":
            assert anchor in anchors(to), f"{target} leads to no heading"


def test_links__of_the_pages_are_found() -> None:
    assert len(links(REPOSITORY / "README.md")) > 20 and "start" in anchors(REPOSITORY / "README.md")
