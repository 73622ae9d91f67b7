"""Does the model know how sure it is?"""

import numpy as np

from orienteer.records.evidence import Displacements
from orienteer.records.observation import Rows
from orienteer.report.draw.coverage import PROMISED, coverage, coverage_figures

KIND = Displacements(scale="scale")


def test_coverage__of_a_true_laplace_model_is_what_it_promises() -> None:
    rng = np.random.default_rng(1)
    scale = rng.uniform(1, 10, size=(20000, 3))
    columns = {f"scale_{a}": scale[:, n] for n, a in enumerate("ras")}
    columns |= {f"true_{a}": np.zeros(20000) for a in "ras"}
    columns |= {f"pred_{a}": rng.laplace(0, scale[:, n]) for n, a in enumerate("ras")}
    np.testing.assert_allclose(coverage(KIND, columns), PROMISED, atol=0.01)


def test_coverage__of_an_overconfident_model_is_too_low(gap: Rows) -> None:
    surer = dict(gap) | {f"scale_{axis}": gap[f"scale_{axis}"] / 4 for axis in "ras"}
    assert (coverage(KIND, surer) < coverage(KIND, gap)).all()


def test_coverage_figures__need_scales(gap: Rows) -> None:
    assert len(coverage_figures(KIND, gap, "gap")) == 1 and coverage_figures(Displacements(), gap, "gap") == []
