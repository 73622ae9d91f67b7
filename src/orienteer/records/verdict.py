"""The verdict: is it learning anatomy, stuck, or cheating? A few stated rules on measured figures.

*Skill* is the share of the way from chance (0) to a perfect answer (1). The thresholds are settings
(``evaluation.verdict``) and are recorded with every verdict they gave.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from orienteer.config import Config
from orienteer.records.card import ProbeCard
from orienteer.records.metric import Measure, Metric, Record
from orienteer.units import in_sentence, percent, shown

Label = Literal["learning", "stuck", "cheating"]

Seen = Literal["none", "some", "all", "unknown"]
"""How many of the measured subjects the model learned from."""

WHOM: dict[Seen, str] = {
    "none": "subjects it has not seen",
    "some": "subjects some of whom it learned from",
    "all": "subjects it learned from",
    "unknown": "subjects of another store (whether it has seen them is not known)",
}


class VerdictRule(Config):
    """Thresholds of the verdict. Skill is 0 at chance and 1 for a perfect answer."""

    stuck_below: float = Field(0.25, gt=0, le=1)
    """Below this skill a run is stuck: less than a quarter of the way from chance to perfect."""
    cheat_share: float = Field(0.5, gt=0, le=1)
    """A probe without anatomy that keeps this share of the skill gives the cheat away."""
    without_border: float = Field(0.8, gt=0, le=1)
    """An honest model keeps at least this share of its skill when the border of its views is painted over. Anatomy goes
    on inside: measured on real brains, it keeps 0.90 of 0.93. A model that also reads a code planted in the border kept
    0.42 of 0.77."""
    border_alone: float = Field(0.1, ge=0, le=1)
    """A border that is read keeps at least this share of the skill by itself. The border is anatomy too, so an honest
    model keeps much of it as well (0.55 of 0.93): both conditions must hold."""
    without_shared_border: float = Field(0.5, gt=0, le=1)
    """Views that share voxels by design lose part of the answer with their border. There an honest model keeps at least
    this share of its skill without it, and what the border alone keeps says nothing: measured, an honest model keeps
    0.51 of 0.66; one that reads a code planted in the border keeps nothing (-0.38 of 0.70), nor does the border alone
    (-0.45)."""

    def sentences(self) -> tuple[str, ...]:
        """The rule in words, for the report and the documentation."""
        return (
            f"Stuck: the skill is below {percent(self.stuck_below)}.",
            f"Cheating: with the anatomy taken out of the views, {percent(self.cheat_share)} of the skill or more is "
            f"still there; or painting over the border of the views takes more than {percent(1 - self.without_border)} "
            f"of the skill away, while the border alone keeps at least {percent(self.border_alone)} of it; where views "
            f"share voxels by design, painting it over takes more than {percent(1 - self.without_shared_border)} away.",
            "Learning: otherwise.",
        )


class Verdict(Record):
    """What a person should think of a run."""

    label: Label
    """``learning``, ``stuck`` or ``cheating``."""
    sentence: str
    """One plain sentence."""
    evidence: tuple[str, ...]
    """The figures it rests on, one line each."""
    rule: VerdictRule
    """The thresholds that gave it."""
    task: str = ""
    """The task it rests on."""
    metric: str = ""
    """That task's metric it rests on."""


class Probed(NamedTuple):
    """What an honesty probe left of the figure that is judged."""

    card: ProbeCard
    measure: Measure

    @property
    def skill(self) -> float:
        """Skill without what the probe takes away; 0 where it is not known."""
        return self.measure.skill or 0.0


def judge(
    real: Measure,
    probes: Sequence[Probed],
    metric: Metric,
    *,
    seen: Seen = "none",
    rule: VerdictRule | None = None,
    overlapping: bool = False,
) -> Verdict:
    """Judge a run from one figure and what the honesty probes leave of it.

    Args:
        real: the figure on real views.
        probes: the same figure with something taken away from the views; none for a task that is not about space.
        metric: what the figure is.
        seen: how many of the subjects the model learned from; the sentence says it.
        rule: the thresholds.
        overlapping: the task's views share voxels by design.
    """
    rule = rule or VerdictRule()
    words, skill = in_sentence(metric.title), real.skill or 0.0
    value, chance = shown(real.value, real.unit), shown(real.chance or 0.0, real.unit)
    evidence = [f"real views: {words} {_say(real)}, chance {chance}"]
    evidence += [f"{probe.card.meaning}: {_say(probe.measure)}" for probe in probes]

    def verdict(label: Label, sentence: str) -> Verdict:
        return Verdict(label=label, sentence=sentence, evidence=tuple(evidence), rule=rule, metric=metric.name)

    if skill < rule.stuck_below:
        how = "hardly better" if skill > 0 else "no better" if round(skill, 2) == 0 else "worse"
        return verdict("stuck", f"On {WHOM[seen]} its {words} is {value}, {how} than chance ({chance}).")
    cheat = _cheat(skill, probes, rule, overlapping=overlapping)
    if cheat is not None:
        return verdict("cheating", cheat)
    border = next((n for n, probe in enumerate(probes, 1) if probe.card.leaves == "the border"), None)
    if border is not None:
        evidence[border] += _why_no_cheat(skill, probes, rule, overlapping=overlapping)
    sentence = f"On {WHOM[seen]} its {words} is {value}, where chance is {chance}."
    gone = [probe.measure for probe in probes if probe.card.leaves == "no anatomy"]
    if gone:
        sentence += (
            f" With the anatomy taken away it is {shown(gone[-1].value, gone[-1].unit)}: it reads its position from "
            "anatomy."
        )
    return verdict("learning", sentence)


def _cheat(skill: float, probes: Sequence[Probed], rule: VerdictRule, *, overlapping: bool) -> str | None:
    """How the model cheats, in one sentence, or None."""
    for probe in probes:
        if probe.card.leaves == "no anatomy" and probe.skill >= rule.cheat_share * skill:
            return (
                f"With {probe.card.meaning} it keeps {percent(probe.skill / skill)} of its skill: it reads its "
                "position from something that is not anatomy."
            )
    border, inside = _left(probes, "the border"), _left(probes, "the inside")
    if border is None or inside is None:
        return None
    if overlapping:
        read = inside.skill < rule.without_shared_border * skill
    else:
        read = inside.skill < rule.without_border * skill and border.skill >= rule.border_alone * skill
    if read:
        return (
            f"With {inside.card.meaning} it keeps only {percent(max(0.0, inside.skill) / skill)} of its skill: "
            "it reads its position from the outermost voxels of the views, not from the anatomy inside."
        )
    return None


def _why_no_cheat(skill: float, probes: Sequence[Probed], rule: VerdictRule, *, overlapping: bool) -> str:
    """What to think of skill that the border alone keeps, where painting it over shows that it is not read."""
    border, inside = _left(probes, "the border"), _left(probes, "the inside")
    if border is None or inside is None:
        return ""
    if border.skill < rule.border_alone * skill:
        return ""
    cost = max(0.0, 1 - inside.skill / skill)
    if inside.skill < rule.without_border * skill:
        if not overlapping:
            return ""
        return f"; no cheating: views share voxels, and {percent(1 - cost)} of the skill is left without their border"
    return f"; no cheating: anatomy reaches the border too, and painting it over costs {percent(cost)} of the skill"


def _left(probes: Sequence[Probed], leaves: str) -> Probed | None:
    return next((probe for probe in probes if probe.card.leaves == leaves), None)


def _say(measure: Measure) -> str:
    return f"{shown(measure.value, measure.unit)} (skill {percent(measure.skill or 0.0)})"
