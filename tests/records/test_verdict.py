"""The verdict's rule and its boundaries: nothing is judged by feel, and no probe is known by name."""

import pytest

from orienteer.errors import ConfigError
from orienteer.records import Measure, Metric
from orienteer.records.card import ProbeCard
from orienteer.records.verdict import WHOM, Probed, Seen, Verdict, VerdictRule, judge

CHANCE = 60.0
GAP = Metric(name="gap_error_mm", title="Gap error", unit="mm")
RULE = VerdictRule()
LEAVES = {"grey": "no anatomy", "mixed": "no anatomy", "shell": "the border", "core": "the inside"}
CARDS = {
    name: ProbeCard(name=name, title=f"only {name}", meaning=f"{name} for every view", look="", leaves=leaves)
    for name, leaves in LEAVES.items()
}
"""Probes that the package has never heard of: what they leave is all that the rule asks."""


def figure(skill: float) -> Measure:
    return Measure(CHANCE * (1 - skill), "mm", CHANCE)


def probed(**skills: float) -> list[Probed]:
    return [Probed(CARDS[name], figure(skill)) for name, skill in skills.items()]


def verdict(real: float = 0.9, rule: VerdictRule | None = None, **probes: float) -> Verdict:
    skills = {"grey": 0.0, "mixed": -0.1, "shell": 0.3, "core": 0.8} | probes
    return judge(figure(real), probed(**skills), GAP, rule=rule)


def test_judge__honest_model_is_learning() -> None:
    assert verdict().label == "learning"


def test_judge__brains_as_measured_are_learning() -> None:
    # Real anatomy reaches into the border: that alone is no cheat.
    assert verdict(0.89, shell=0.62, core=0.84).label == "learning"


@pytest.mark.parametrize("real", [-3.0, 0.0, 0.1, RULE.stuck_below - 1e-9])
def test_judge__too_little_skill_is_stuck(real: float) -> None:
    assert verdict(real).label == "stuck"


def test_judge__a_quarter_of_the_way_is_no_longer_stuck() -> None:
    quarter = RULE.stuck_below
    assert verdict(quarter, grey=0.0, mixed=0.0, shell=0.0, core=quarter).label == "learning"


def test_judge__stuck_goes_before_cheating() -> None:
    # Shares of next to no skill say nothing.
    assert verdict(0.1, grey=0.1, mixed=0.1).label == "stuck"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_judge__a_figure_that_is_not_finite_is_stuck(value: float) -> None:
    assert judge(Measure(value, "mm", CHANCE), probed(grey=0.9), GAP).label == "stuck"


@pytest.mark.parametrize("probe", ["grey", "mixed"])
@pytest.mark.parametrize(("kept", "label"), [(0.399, "learning"), (0.4, "cheating"), (0.8, "cheating")])
def test_judge__half_the_skill_without_anatomy_is_cheating(probe: str, kept: float, label: str) -> None:
    judged = verdict(0.8, **{probe: kept})
    assert judged.label == label
    if label == "cheating":
        assert CARDS[probe].meaning in judged.sentence
        assert f"{kept / 0.8:.0%}".replace("%", " %") in judged.sentence


@pytest.mark.parametrize(
    ("border", "interior", "label"),
    [
        (0.7, 0.1, "cheating"),  # the border carries it
        (0.7, -0.5, "cheating"),
        (0.09, 0.05, "cheating"),  # border alone weak, yet missed
        (0.07, 0.05, "learning"),  # lost without it, but the border alone says next to nothing: fragile, no cheat
        (0.79, 0.645, "learning"),  # just above eight tenths are kept
        (0.79, 0.635, "cheating"),
        (0.9, 0.8, "learning"),  # the border knows a lot, and so does the inside
    ],
)
def test_judge__border_against_interior(border: float, interior: float, label: str) -> None:
    judged = verdict(0.8, shell=border, core=interior)
    assert judged.label == label
    if label == "cheating":
        assert "outermost voxels" in judged.sentence
        assert f"{max(0.0, interior) / 0.8:.0%}".replace("%", " %") in judged.sentence


def test_judge__a_border_that_knows_much_is_said_to_be_no_cheat() -> None:
    (line,) = (line for line in verdict(0.9, shell=0.62, core=0.84).evidence if line.startswith("shell for every view"))
    assert line.endswith(
        "(skill 62 %); no cheating: anatomy reaches the border too, and painting it over costs 7 % of the skill"
    )
    for judged in (
        verdict(0.9, shell=0.05),  # nothing to explain
        verdict(0.8, shell=0.07, core=0.05),  # learning, but not because the border is not missed
        verdict(0.8, shell=0.7, core=0.1),
        verdict(0.1),
    ):
        assert not any("no cheating" in line for line in judged.evidence)


@pytest.mark.parametrize(
    ("shell", "core", "apart", "sharing"),
    [
        (0.31, 0.51, "cheating", "learning"),  # VoCo as measured
        (-0.45, -0.38, "learning", "cheating"),  # with a planted code, as measured
        (0.62, -0.07, "cheating", "cheating"),
        (0.51, 0.51, "cheating", "learning"),
        (0.31, 0.32, "cheating", "cheating"),
        (0.6, 0.59, "learning", "learning"),
    ],
)
def test_judge__views_that_share_voxels_lose_part_of_the_answer_with_their_border(
    shell: float, core: float, apart: str, sharing: str
) -> None:
    probes = probed(grey=0.0, shell=shell, core=core)
    assert judge(figure(0.66), probes, GAP).label == apart
    judged = judge(figure(0.66), probes, GAP, overlapping=True)
    assert judged.label == sharing
    told = next(line for line in judged.evidence if line.startswith("shell"))
    assert ("views share voxels" in told) == (core == 0.51)


@pytest.mark.parametrize("alone", ["shell", "core"])
def test_judge__one_border_probe_without_its_counterpart_is_not_held_against_a_model(alone: str) -> None:
    for skill in (0.8, 0.0):
        assert judge(figure(0.8), probed(**{alone: skill}), GAP).label == "learning"


def test_judge__the_order_of_probes_does_not_matter() -> None:
    skills = {"core": 0.1, "mixed": 0.0, "shell": 0.7, "grey": 0.0}
    assert judge(figure(0.8), probed(**skills), GAP).label == verdict(0.8, **skills).label == "cheating"


def test_judge__without_probes_there_is_nobody_to_accuse() -> None:
    judged = judge(figure(0.8), [], GAP)
    assert judged.label == "learning" and len(judged.evidence) == 1
    assert "anatomy" not in judged.sentence


def test_judge__sentence_and_evidence_name_the_figures() -> None:
    judged = verdict(0.9)
    assert "gap error is 6.0 mm, where chance is 60.0 mm" in judged.sentence
    assert "anatomy taken away it is 66.0 mm" in judged.sentence
    assert judged.evidence[0] == "real views: gap error 6.0 mm (skill 90 %), chance 60.0 mm"
    assert len(judged.evidence) == 1 + len(CARDS)
    for card, skill in zip(CARDS.values(), ("0 %", "−10 %", "30 %", "80 %"), strict=True):
        assert any(line.startswith(card.meaning) and f"(skill {skill})" in line for line in judged.evidence)
    for skill, words in ((0.1, "hardly better"), (0.0, "no better"), (-0.2, "worse")):
        assert f"{words} than chance" in verdict(skill).sentence
    assert judged.metric == "gap_error_mm"


@pytest.mark.parametrize("real", [0.9, 0.1])
def test_judge__sentence_says_whom_it_has_seen(real: float) -> None:
    def said(seen: Seen) -> str:
        return judge(figure(real), [], GAP, seen=seen).sentence.partition(" its gap error")[0]

    assert {seen: said(seen) for seen in WHOM} == {
        "none": "On subjects it has not seen",
        "some": "On subjects some of whom it learned from",
        "all": "On subjects it learned from",
        "unknown": "On subjects of another store (whether it has seen them is not known)",
    }


def test_rule__defaults_are_those_that_were_measured() -> None:
    """docs/log.md tells on which brains; whoever changes them changes every verdict."""
    assert RULE.model_dump() == {
        "stuck_below": 0.25, "cheat_share": 0.5, "without_border": 0.8, "border_alone": 0.1,
        "without_shared_border": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("threshold", "skills", "label"),
    [
        ({"stuck_below": 0.95}, {}, "stuck"),
        ({"cheat_share": 0.05}, {"grey": 0.1}, "cheating"),
        ({"cheat_share": 1.0}, {"grey": 0.8}, "learning"),
        ({"without_border": 0.95}, {"core": 0.8}, "cheating"),
        ({"without_border": 0.05}, {"shell": 0.9, "core": 0.1}, "learning"),
        ({"border_alone": 1.0}, {"shell": 0.5, "core": 0.1}, "learning"),
    ],
)
def test_rule__each_threshold_changes_the_verdict_and_is_recorded(threshold: dict, skills: dict, label: str) -> None:
    rule = VerdictRule(**threshold)
    judged = verdict(0.9, rule, **skills)
    assert judged.label == label != verdict(0.9, **skills).label
    assert judged.rule == rule
    assert Verdict.model_validate_json(judged.model_dump_json()) == judged


def test_rule__sentences_say_the_thresholds() -> None:
    said = " ".join(VerdictRule(stuck_below=0.33, cheat_share=0.44, without_border=0.88, border_alone=0.22).sentences())
    assert all(part in said for part in ("33 %", "44 %", "12 %", "22 %", "50 %"))


@pytest.mark.parametrize("wrong", [{"stuck_below": 0.0}, {"cheat_share": 1.5}, {"border_alone": -0.1}, {"cheat": 0.5}])
def test_rule__refuses_what_is_no_share(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        VerdictRule.build(wrong)


@pytest.mark.parametrize(
    ("unit", "words"), [("fraction", "is 6.0 %, where chance is 24.0 %"), ("1", "is 0.06, where chance is 0.24")]
)
def test_judge__shares_are_told_in_percent(unit: str, words: str) -> None:
    metric = Metric(name="masked_error", title="Masked error", unit=unit)
    judged = judge(Measure(0.06, unit, 0.24), [], metric)
    assert words in judged.sentence
    assert words.split(",")[0].removeprefix("is ") in judged.evidence[0]
