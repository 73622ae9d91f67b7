"""Does the verdict tell the truth? An honest run, one on shuffled scans, one with a planted position code.

    python benchmarks/verdicts.py STORE OUT [--steps 300]

Exits with 1 unless they are judged learning, stuck and cheating. The plants are in ``orienteer.testing.plants``.
"""

import argparse
import sys
from pathlib import Path

from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.testing.plants import PlantedStore, ShuffledStore
from orienteer.testing.verdicts import verdict_on

EXPECTED: dict[str, tuple[type[Store], str]] = {
    "honest": (Store, "learning"),
    "shuffled": (ShuffledStore, "stuck"),
    "planted": (PlantedStore, "cheating"),
}


def main() -> None:
    """Train and judge the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--set", action="append", default=[], dest="assign")
    chosen = parser.parse_args()
    # Turned views would smear the planted code over more than their border.
    plain = "views.geometry.probability=0"
    common = (plain, f"optimiser.steps={chosen.steps}", f"checkpoint.every={chosen.steps}", *chosen.assign)
    settings = PretrainSettings.read({}, common)
    wrong = 0
    for name, (kind, expected) in EXPECTED.items():
        verdict = verdict_on(kind.open(chosen.store), chosen.out / name, settings).record.verdict
        wrong += verdict.label != expected
        print(f"\n{name}: {verdict.label} (expected {expected}). {verdict.sentence}")
        print("\n".join(f"    {line}" for line in verdict.evidence), flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
