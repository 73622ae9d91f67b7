"""The verdict's rules and their boundaries: nothing is judged by feel."""

import pytest

from orienteer.records.verdict import CHEAT_SHARE, PROBES, STUCK_BELOW, WHOM, Figure, Verdict, judge

CHANCE = 60.0


def figure(skill: float) -> Figure:
    return Figure(value=CHANCE * (1 - skill), chance=CHANCE, skill=skill)


def verdict(real: float = 0.9, **probes: float) -> Verdict:
    skills = {"constant": 0.0, "shuffled": -0.1, "border": 0.3, "interior": 0.8} | probes
    figures = {"real": figure(real)} | {name: figure(skill) for name, skill in skills.items()}
    return judge(figures, measure="gap error", unit="mm")


def test_judge__honest_model_is_learning() -> None:
    assert verdict().label == "learning"


def test_judge__brains_as_measured_are_learning() -> None:
    # Real anatomy reaches into the border: that alone is no cheat.
    assert verdict(0.89, border=0.62, interior=0.84).label == "learning"


@pytest.mark.parametrize("real", [-3.0, 0.0, 0.1, STUCK_BELOW - 1e-9])
def test_judge__too_little_skill_is_stuck(real: float) -> None:
    assert verdict(real).label == "stuck"


def test_judge__a_quarter_of_the_way_is_no_longer_stuck() -> None:
    assert verdict(STUCK_BELOW, constant=0.0, shuffled=0.0, border=0.0, interior=STUCK_BELOW).label == "learning"


def test_judge__stuck_goes_before_cheating() -> None:
    # Shares of next to no skill say nothing.
    assert verdict(0.1, constant=0.1, shuffled=0.1).label == "stuck"


@pytest.mark.parametrize("probe", ["constant", "shuffled"])
@pytest.mark.parametrize(("kept", "label"), [(0.399, "learning"), (0.4, "cheating"), (0.8, "cheating")])
def test_judge__half_the_skill_without_anatomy_is_cheating(probe: str, kept: float, label: str) -> None:
    judged = verdict(0.8, **{probe: kept})
    assert judged.label == label
    if label == "cheating":
        assert PROBES[probe] in judged.sentence
        assert f"{kept / 0.8:.0%}" in judged.sentence


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
    judged = verdict(0.8, border=border, interior=interior)
    assert judged.label == label
    if label == "cheating":
        assert "outermost voxels" in judged.sentence
        assert f"{max(0.0, interior) / 0.8:.0%}" in judged.sentence


def test_judge__a_border_that_knows_much_is_said_to_be_no_cheat() -> None:
    (line,) = (line for line in verdict(0.9, border=0.62, interior=0.84).evidence if line.startswith("only the border"))
    assert line.endswith(
        "(skill 62%); no cheating: anatomy reaches the border too, and painting it over costs 7% of the skill"
    )
    for judged in (
        verdict(0.9, border=0.05),  # nothing to explain
        verdict(0.8, border=0.07, interior=0.05),  # learning, but not because the border is not missed
        verdict(0.8, border=0.7, interior=0.1),
        verdict(0.1),
    ):
        assert not any("no cheating" in line for line in judged.evidence)


def test_judge__border_without_its_counterpart_is_not_held_against_a_model() -> None:
    figures = {"real": figure(0.8), "border": figure(0.8)}
    assert judge(figures, measure="gap error", unit="mm").label == "learning"


def test_judge__sentence_and_evidence_name_the_figures() -> None:
    judged = verdict(0.9)
    assert "gap error is 6 mm, where chance is 60 mm" in judged.sentence
    assert "shuffled away it is 66 mm" in judged.sentence
    assert judged.evidence[0] == "real views: gap error 6 mm (skill 90%), chance 60 mm"
    assert len(judged.evidence) == 1 + len(PROBES)
    for words, skill in zip(PROBES.values(), ("0%", "-10%", "30%", "80%"), strict=True):
        assert any(line.startswith(words) and f"(skill {skill})" in line for line in judged.evidence)
    assert "hardly better than chance" in verdict(0.1).sentence


@pytest.mark.parametrize("real", [0.9, 0.1])
def test_judge__sentence_says_whom_it_has_seen(real: float) -> None:
    figures = {"real": figure(real)}
    said = {
        seen: judge(figures, measure="gap error", unit="mm", seen=seen).sentence.partition(" its gap error")[0]
        for seen in WHOM
    }
    assert said == {
        "none": "On people it has not seen",
        "some": "On people some of whom it learned from",
        "all": "On people it learned from",
        "unknown": "On people of another store (whether it has seen them is not known)",
    }


def test_judge__constants_are_those_the_documents_state() -> None:
    assert (STUCK_BELOW, CHEAT_SHARE) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("unit", "words"), [("fraction", "is 6 %, where chance is 24 %"), ("1", "is 0.06, where chance is 0.24")]
)
def test_judge__shares_are_told_in_percent(unit: str, words: str) -> None:
    judged = judge({"real": Figure(value=0.06, chance=0.24, skill=0.75)}, measure="masked error", unit=unit)
    assert words in judged.sentence
    assert words.split(",")[0].removeprefix("is ") in judged.evidence[0]
