"""Build the documentation as a site that works offline: pages, the API from docstrings, the notebook with its outputs.

    python docs/make_site.py [OUT]      default: site/

The pages are those of this folder and the README. A copy of them is staged, in which links to other files of the
repository lead to copies of these; the notebook is run on a phantom. A link that leads nowhere fails the build.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
FENCE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def place(file: Path) -> Path:
    """Where a file of the repository lies in the staged pages."""
    if file == REPOSITORY / "README.md":
        return Path("index.md")
    if file.is_relative_to(DOCS):
        return file.relative_to(DOCS)
    return file.relative_to(REPOSITORY) if file.name in TOP else "source" / file.relative_to(REPOSITORY)


def staged(page: Path, pages: Path) -> str:
    """A page's text with its links as they are among the staged pages; files that it links to are copied there."""

    def moved(match: re.Match[str]) -> str:
        target = match.group(1)
        file = (page.parent / target).resolve()
        if re.match(r"[a-z]+:", target) or not file.is_relative_to(REPOSITORY):
            return target
        if file.is_dir():
            file /= "README.md"
            listing = pages / place(file)
            listing.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() and not listing.exists():
                listing.write_text(contents(file.parent), encoding="utf-8")
        elif file.suffix != ".md" and not (pages / place(file)).exists():
            (pages / place(file)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, pages / place(file))
        return os.path.relpath(place(file), place(page).parent)

    parts = FENCE.split(page.read_text(encoding="utf-8"))
    return "".join(part if part.startswith("```") else LINK.sub(moved, part) for part in parts)


def contents(folder: Path) -> str:
    """A page that lists the pages of a folder by their titles."""
    texts = {page.name: page.read_text(encoding="utf-8") for page in folder.glob("*.md")}
    titles = {name: text.partition("\n")[0].lstrip("# ") for name, text in texts.items()}
    lines = [f"- [{title}]({name})" for name, title in sorted(titles.items(), key=lambda entry: entry[1])]
    return "\n".join([f"# {folder.name.capitalize()}", "", *lines, ""])


def stage(pages: Path) -> None:
    """Write all pages, with the notebook run, below ``pages``."""
    for page in [*(REPOSITORY / name for name in TOP), *DOCS.rglob("*.md")]:
        (pages / place(page)).parent.mkdir(parents=True, exist_ok=True)
        (pages / place(page)).write_text(staged(page, pages), encoding="utf-8")
    shutil.copytree(DOCS / "images", pages / "images", dirs_exist_ok=True)
    for notebook in DOCS.rglob("*.ipynb"):
        (pages / place(notebook).with_suffix(".md")).parent.mkdir(parents=True, exist_ok=True)
        run_notebook(notebook, pages / place(notebook).with_suffix(".md"))


def run_notebook(notebook: Path, page: Path) -> None:
    """Run a notebook on a phantom and write it, with what it printed and drew, as a page."""
    import nbformat
    import nibabel
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    from orienteer.testing.phantom import phantom, phantom_store

    with tempfile.TemporaryDirectory() as folder:
        phantom_store(Path(folder))
        volume, _ = phantom(person=9)
        nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), Path(folder) / "scan.nii.gz")
        document = nbformat.read(notebook, as_version=4)
        NotebookClient(document, resources={"metadata": {"path": folder}}, kernel_name="python3").execute()
    text, resources = MarkdownExporter().from_notebook_node(document)
    page.write_text(text, encoding="utf-8")
    for name, content in resources["outputs"].items():
        (page.parent / name).write_bytes(content)


def build(out: Path) -> None:
    """Build the site into ``out``.

    Raises:
        CalledProcessError: a link leads nowhere, or a page cannot be built.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        stage(Path(folder) / "pages")
        settings = (DOCS / "site.toml").read_text(encoding="utf-8").replace("@source@", str(REPOSITORY / "src"))
        Path("zensical.toml").write_text(settings, encoding="utf-8")
        subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], check=True)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree("site", out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=REPOSITORY / "site")
    build(parser.parse_args().out.resolve())
