from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.compute as pc

from orienteer.comparison import compare
from orienteer.comparison.curves import _counted, curves_svg
from orienteer.comparison.records import Records, read_records
from orienteer.comparison.statistics import Analysis, analyse

from .results_folder import SEGMENTATION, make_results

SVG = "{http://www.w3.org/2000/svg}"
TEXT = f"{SVG}text"


def _words(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(TEXT)]


def test_curves_svg__every_task_mode_and_arm_is_named(analysis: Analysis, records: Records) -> None:
    svg = curves_svg(analysis, records.benchmark)
    assert svg is not None
    words = _words(svg)
    for task in records.benchmark.tasks:
        assert f"{task.words}, fine-tuned" in words
        assert f"{task.words}, frozen features" in words
    for arm in records.benchmark.arms:
        assert words.count(arm.label) == 1, "one legend for all panels"
    assert any("lower is better" in word for word in words), "an error is no score"


def test_curves_svg__names_of_many_arms_stay_in_the_picture(tmp_path: Path) -> None:
    long = "gap + adjacency + routes + position + masked, all views masked"
    arms = [("scratch", "from scratch", "scratch"), *((f"arm-{n}", f"{long} {n:02d}", "ablation") for n in range(11))]
    folder = make_results(tmp_path, arms=arms, effects={}, tasks=(SEGMENTATION,), labels=(1, 3), seeds=2, people=3)
    svg = ElementTree.fromstring((compare(folder).curves or tmp_path).read_text())
    width = float(svg.get("viewBox", "").split()[2])
    names = {arm[1] for arm in arms}
    keys = [node for node in svg.iter(TEXT) if "".join(node.itertext()) in names]
    assert len(keys) == len(arms)
    for key in keys:
        left, wide = float(key.get("x", "nan")), 9 * 0.6 * len("".join(key.itertext()))
        assert left >= 0
        assert left + wide <= width


def test_curves_svg__a_long_title_goes_on_below(analysis: Analysis, records: Records) -> None:
    said = "mean Dice of the anterior and the posterior hippocampus, read out by one linear layer"
    tasks = tuple(task.model_copy(update={"words": said}) for task in records.benchmark.tasks)
    words = _words(curves_svg(analysis, records.benchmark.model_copy(update={"tasks": tasks})) or "")
    assert max(len(word) for word in words if word in f"{said}, frozen features") <= 58
    assert said not in words and any(word.startswith("mean Dice of the anterior") for word in words)


def test_curves_svg__what_has_one_label_count_stands_beside_the_curves_with_its_interval(tmp_path: Path) -> None:
    arms = [("scratch", "from scratch", "scratch"), ("gap", "gap", "ours"), ("masked", "masked", "baseline")]
    folder = make_results(tmp_path, arms=arms, effects={}, tasks=(SEGMENTATION,), modes=("finetuned",), labels=(1, 3))
    records = read_records(folder)
    once = pc.or_(pc.equal(records.cases["arm"], "scratch"), pc.equal(records.cases["labels"], 1))
    svg = curves_svg(analyse(replace(records, cases=records.cases.filter(once))), records.benchmark)
    drawing = ElementTree.fromstring(svg or "")
    whiskers = [node for node in drawing.iter(f"{SVG}g") if node.get("id", "").startswith("LineCollection")]
    lines = [node.get("d", "").split() for whisker in whiskers for node in whisker.iter(f"{SVG}path")]
    ends = [(float(x), float(low), float(high)) for _, x, low, _, _, high in lines]
    assert len(ends) == 2 and ends[0][0] < ends[1][0], "one for each, side by side"
    assert all(low - high > 5 for _, low, high in ends), "upwards, and of some length"


def test_curves_svg__same_records_same_bytes_and_no_date(analysis: Analysis, records: Records) -> None:
    once = curves_svg(analysis, records.benchmark)
    assert once == curves_svg(analysis, records.benchmark)
    assert once is not None
    assert "dc:date" not in once


def test_compare__one_label_count_is_no_curve(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "results", tasks=(SEGMENTATION,), modes=("finetuned",), labels=(3,))
    (folder / "curves.svg").write_text("of earlier records")
    assert compare(folder).curves is None
    assert not (folder / "curves.svg").exists()
    assert "curves.svg" not in (folder / "results.md").read_text()


def test_compare__the_table_shows_the_picture(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "results", tasks=(SEGMENTATION,), modes=("finetuned",), labels=(1, 3))
    found = compare(folder)
    assert found.curves == folder / "curves.svg"
    assert "](curves.svg)" in found.table.read_text()


def test_counted__what_a_layout_solver_shakes_is_not_in_the_names() -> None:
    drawing = '<clipPath id="{0}"/><clipPath id="{1}"/><g clip-path="url(#{1})"/><g clip-path="url(#{0})"/>'
    assert _counted(drawing.format("p0c05dc8ce5", "p1")) == _counted(drawing.format("p498c3692aa", "p2"))
    assert _counted(drawing.format("p1", "p2")) == drawing.format("clip-1", "clip-2")
    assert _counted("<svg/>") == "<svg/>"
