"""The average brain, loaded once."""

from collections.abc import Iterator
from functools import cache

import pytest

from orienteer.demo import cohort
from orienteer.demo.template import Template, load_template
from orienteer.ingest import workers


@pytest.fixture(scope="session")
def template() -> Template:
    """MNI152 as a scanner with voxels of 4 mm sees it: the coarsest that is still anatomy, for speed."""
    return load_template(4.0)


@pytest.fixture(scope="session", autouse=True)
def _quick_cohorts() -> Iterator[None]:
    """Cohorts of one spacing share their template, whose reading takes longer than a simulated subject."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "load_template", cache(load_template))
        # With one core, ingest prepares the scans in this process: a worker would import everything anew.
        patch.setattr(workers, "available_cores", lambda: 1)
        yield
