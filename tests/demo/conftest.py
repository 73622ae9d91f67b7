"""The average brain, loaded once."""

import pytest

from orienteer.demo.template import Template, load_template


@pytest.fixture(scope="session")
def template() -> Template:
    """MNI152 as a scanner with voxels of 4 mm sees it: the coarsest that is still anatomy, for speed."""
    return load_template(4.0)
