"""The verdict: is it learning anatomy, stuck, or cheating? A few stated rules on measured figures, no magic.

*Skill* is the share of the way from chance (0) to a perfect answer (1).

- stuck: the skill on new people is below ``STUCK_BELOW``.
- cheating: with the anatomy taken out of the views (constant, shuffled) half of the skill is still there; or
  painting over the outermost voxels of the views takes more than 20 % of it away, while those voxels alone keep a
  tenth of it. Anatomy goes on inside: an honest model hardly misses the border (measured on real brains: it keeps
  0.90 of 0.93), though the border alone, being anatomy too, keeps much of the skill (0.55). A model that also reads
  a code planted in the border kept 0.42 of 0.77 without it.
- learning: otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Label = Literal["learning", "stuck", "cheating"]

Seen = Literal["none", "some", "all", "unknown"]
"""How many of the measured people the model learned from."""

WHOM: dict[Seen, str] = {
    "none": "people it has not seen",
    "some": "people some of whom it learned from",
    "all": "people it learned from",
    "unknown": "people of another store (whether it has seen them is not known)",
}

STUCK_BELOW = 0.25
"""Less than a quarter of the way from chance to perfect."""
CHEAT_SHARE = 0.5
"""A probe without anatomy that keeps this share of the skill gives the cheat away."""
WITHOUT_BORDER = 0.8
"""An honest model keeps at least this share of its skill when the border of its views is painted over."""
BORDER_ALONE = 0.1
"""A border that is read keeps at least this share of the skill by itself."""

PROBES = {
    "constant": "every view replaced by its own mean",
    "shuffled": "the voxels of every view shuffled",
    "border": "only the border of every view kept",
    "interior": "the border of every view painted over",
}
"""Probes in words."""


@dataclass(frozen=True)
class Verdict:
    """What a person should think of a run.

    Attributes:
        label: ``learning``, ``stuck`` or ``cheating``.
        sentence: one plain sentence.
        evidence: the figures it rests on, one line each.
    """

    label: Label
    sentence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """One probe's figure: value, chance, skill."""

    value: float
    chance: float
    skill: float


def judge(probes: Mapping[str, Figure], *, measure: str, unit: str, seen: Seen = "none") -> Verdict:
    """Judge a run from its probes.

    Args:
        probes: ``real`` and the probes of ``orienteer.evaluation.probes``; ``interior`` is the border's counterpart.
        measure: the figure's name in words, e.g. ``gap error``.
        unit: its unit.
        seen: how many of the people the model learned from; the sentence says it.
    """
    real = probes["real"]
    evidence = [f"real views: {measure} {_say(real, unit)}, chance {_amount(real.chance, unit)}"]
    evidence += [f"{what}: {_say(probes[name], unit)}" for name, what in PROBES.items() if name in probes]
    if real.skill < STUCK_BELOW:
        sentence = (
            f"On {WHOM[seen]} its {measure} is {_amount(real.value, unit)}, hardly better than chance "
            f"({_amount(real.chance, unit)})."
        )
        return Verdict("stuck", sentence, tuple(evidence))
    cheat = _cheat(probes)
    if cheat is not None:
        return Verdict("cheating", cheat, tuple(evidence))
    evidence = [line + _why_no_cheat(probes) if line.startswith(PROBES["border"]) else line for line in evidence]
    sentence = (
        f"On {WHOM[seen]} its {measure} is {_amount(real.value, unit)}, where chance is {_amount(real.chance, unit)}."
    )
    if "shuffled" in probes:
        lost = probes["shuffled"]
        sentence += (
            f" With the anatomy shuffled away it is {_amount(lost.value, unit)}: it reads its position from anatomy."
        )
    return Verdict("learning", sentence, tuple(evidence))


def _cheat(probes: Mapping[str, Figure]) -> str | None:
    """How the model cheats, in one sentence, or None."""
    skill = {name: figure.skill for name, figure in probes.items()}
    for name in ("constant", "shuffled"):
        if skill.get(name, 0.0) >= CHEAT_SHARE * skill["real"]:
            return (
                f"With {PROBES[name]} it keeps {skill[name] / skill['real']:.0%} of its skill: it reads its position "
                "from something that is not anatomy."
            )
    if {"border", "interior"} <= skill.keys():
        missed = skill["interior"] < WITHOUT_BORDER * skill["real"]
        if missed and skill["border"] >= BORDER_ALONE * skill["real"]:
            kept = max(0.0, skill["interior"]) / skill["real"]
            return (
                f"With {PROBES['interior']} it keeps only {kept:.0%} of its skill: it reads its position from the "
                "outermost voxels of the views, not from the anatomy inside."
            )
    return None


def _why_no_cheat(probes: Mapping[str, Figure]) -> str:
    """What to think of skill that the border alone keeps, where painting it over shows that it is not read."""
    real, border, interior = (probes[name].skill if name in probes else 0.0 for name in ("real", "border", "interior"))
    if border < BORDER_ALONE * real or interior < WITHOUT_BORDER * real:
        return ""
    cost = max(0.0, 1 - interior / real)
    return f"; no cheating: anatomy reaches the border too, and painting it over costs {cost:.0%} of the skill"


def _say(figure: Figure, unit: str) -> str:
    return f"{_amount(figure.value, unit)} (skill {figure.skill:.0%})"


def _amount(value: float, unit: str) -> str:
    """``5.4 mm``, ``7.1 %``; a pure number stands alone."""
    shown, suffix = (100 * value, "%") if unit == "fraction" else (value, unit if unit != "1" else "")
    return f"{shown:.3g} {suffix}".rstrip()
