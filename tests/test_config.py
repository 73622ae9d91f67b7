"""Settings are closed: a slip of the keyboard is an error that says what was meant."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from orienteer.config import Config, load_yaml, override
from orienteer.errors import ConfigError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.runs.settings import PretrainSettings


class Inner(Config):
    steps: int = Field(10, ge=1)
    rate: float = 1e-3


class Outer(Config):
    seed: int = 0
    inner: Inner = Inner()
    name: str | None = None


class Places(Config):
    by_name: dict[str, Inner] = Field(default_factory=dict)
    listed: tuple[Inner, ...] = ()
    perhaps: Inner | None = None


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_settings__numbers_are_finite(value: str) -> None:
    with pytest.raises(ConfigError, match="atlas"):
        FinetuneSettings.read({}, [f"atlas={{blur_mm: {value}}}"])


def test_build__unknown_key_names_the_known_ones() -> None:
    with pytest.raises(ConfigError) as raised:
        Outer.build({"sead": 3}, origin="runs/mine.yaml")
    message = str(raised.value)
    assert "runs/mine.yaml" in message
    assert "sead" in message
    assert "known keys here: inner, name, seed" in raised.value.cure


def test_build__says_where_a_nested_value_is_wrong() -> None:
    with pytest.raises(ConfigError) as raised:
        Outer.build({"inner": {"steps": 0, "rate": "fast"}})
    assert "inner.steps: Input should be greater than or equal to 1" in raised.value.message
    assert "inner.rate: " in raised.value.message, "every problem at once"


def _cure(kind: type[Config], *assignments: str) -> str:
    with pytest.raises(ConfigError) as raised:
        kind.build(override({}, assignments))
    return raised.value.cure


def test_build__unknown_nested_key_names_the_keys_of_its_group() -> None:
    cure = _cure(Outer, "inner.step=5")
    assert cure.startswith("did you mean steps? known keys of inner: rate, steps; see ")
    assert "seed" not in cure
    assert _cure(PretrainSettings, "optimizer.steps=2").startswith("did you mean optimiser? known keys here: ")


def test_build__several_unknown_keys_are_each_told_what_was_meant() -> None:
    cure = _cure(Outer, "inner.step=5", "sead=1")
    assert "step: did you mean steps?" in cure and "sead: did you mean seed?" in cure
    assert "known keys of inner: rate, steps" in cure and "known keys here: inner, name, seed" in cure


def test_build__the_group_of_an_unknown_key_is_found_in_mappings_and_lists() -> None:
    slip = {"step": 1}
    held = {"by_name.any": {"by_name": {"any": slip}}, "listed.0": {"listed": [slip]}, "perhaps": {"perhaps": slip}}
    for place, values in held.items():
        with pytest.raises(ConfigError, match=f"{place}.step: unknown key") as raised:
            Places.build(values)
        assert f"did you mean steps? known keys of {place}: rate, steps" in raised.value.cure


def test_build__wrong_value_says_what_is_allowed_and_lists_no_keys() -> None:
    for assignment, allowed in (
        ("optimiser.steps=many", "should be a valid integer"),
        ("devices.accelerator=cuda", "'auto', 'cpu'"),
    ):
        with pytest.raises(ConfigError, match=allowed) as raised:
            PretrainSettings.build(override({}, [assignment]))
        assert "known keys" not in raised.value.cure and raised.value.cure


def test_build__a_benchmark_configuration_is_told_from_slips() -> None:
    values = {"name": "oasis", "title": "OASIS", "arms": {"ours": {}}, "seed": 0}
    with pytest.raises(ConfigError) as raised:
        PretrainSettings.read(values, origin="benchmarks/oasis.yaml")
    assert raised.value.cure == "this is a benchmark configuration: orienteer benchmark FILE OUT"
    assert "known keys here" in _cure(PretrainSettings, "arms=1"), "one key alone is a slip"


def test_build__does_not_show_pydantics_own_report() -> None:
    with pytest.raises(ConfigError) as raised:
        Outer.build({"seed": "x"})
    assert raised.value.__cause__ is None
    assert "errors.pydantic.dev" not in str(raised.value)


def test_build__a_rule_of_several_settings_speaks_for_itself() -> None:
    values = {"kind": "segment", "optimiser": {"steps": 3000}, "plateau": {"earliest": 4000}}
    with pytest.raises(ConfigError, match=r"^--set: plateau: 3000 steps end before it can come: "):
        FinetuneSettings.build(values, origin="--set")


def test_config__is_frozen() -> None:
    with pytest.raises(ValidationError):
        Outer().seed = 5  # type: ignore[misc]


def test_build__equal_values_give_equal_settings() -> None:
    assert Outer.build({"inner": {"steps": 4}}) == Outer(inner=Inner(steps=4))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "settings.yaml"
    path.write_bytes(content)
    return path


def test_load_yaml__reads_a_mapping(tmp_path: Path) -> None:
    assert load_yaml(write(tmp_path, b"seed: 3\ninner: {rate: 1.0e-4}\n")) == {"seed": 3, "inner": {"rate": 1e-4}}


def test_load_yaml__empty_file_is_no_settings(tmp_path: Path) -> None:
    assert load_yaml(write(tmp_path, b"# nothing yet\n")) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: [1, 2", "is not valid YAML"),
        (b"a: 1\n\tb: 2\n", "is not valid YAML"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (b"- 1\n- 2\n", "holds a list"),
        (b"just words\n", "holds a str"),
        (b"!!python/object/apply:os.getcwd []\n", "is not valid YAML"),
    ],
)
def test_load_yaml__bad_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        load_yaml(write(tmp_path, content))
    assert "settings.yaml" in raised.value.message
    assert raised.value.cure


def test_load_yaml__missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml: No such file") as raised:
        load_yaml(tmp_path / "none.yaml")
    assert raised.value.cure == "check the path", "not every command that reads one has a --config"
    with pytest.raises(ConfigError, match="Is a directory"):
        load_yaml(tmp_path)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("seed=7", {"seed": 7, "inner": {"steps": 1, "rate": 0.5}}),
        ("inner.steps=9", {"seed": 1, "inner": {"steps": 9, "rate": 0.5}}),
        ("inner.rate=1.0e-4", {"seed": 1, "inner": {"steps": 1, "rate": 1e-4}}),
        ("name=null", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "name": None}),
        ("name=a=b", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "name": "a=b"}),
        (" name =[1, 2]", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "name": [1, 2]}),
        ("flag=true", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "flag": True}),
        ("name=", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "name": None}),
        ("tasks.gap.weight=2", {"seed": 1, "inner": {"steps": 1, "rate": 0.5}, "tasks": {"gap": {"weight": 2}}}),
    ],
)
def test_override__paths_and_yaml_values(assignment: str, expected: dict) -> None:
    assert override({"seed": 1, "inner": {"steps": 1, "rate": 0.5}}, [assignment]) == expected


def test_override__later_assignment_wins() -> None:
    assert override({}, ["a.b=1", "a.c=2", "a.b=3"]) == {"a": {"b": 3, "c": 2}}


def test_override__leaves_its_input_alone() -> None:
    values = {"inner": {"deep": {"steps": 1}}}
    assert override(values, ["inner.deep.steps=2"]) == {"inner": {"deep": {"steps": 2}}}
    assert values == {"inner": {"deep": {"steps": 1}}}


@pytest.mark.parametrize("assignment", ["seed", "seed 3", "=3", "  =3", ""])
def test_override__without_key_or_equals_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match="is not key=value") as raised:
        override({}, [assignment])
    assert repr(assignment) in raised.value.message
    assert "--set optimiser.steps=500" in raised.value.cure


def test_override__walking_through_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed is a value, not a group"):
        override({"seed": 1}, ["seed.deep=2"])


def test_override__value_that_is_not_yaml_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"--set views=\[1, 2: the value is not valid YAML"):
        override({}, ["views=[1, 2"])


def test_override__number_as_people_write_it_is_a_number() -> None:
    # YAML 1.1 reads 1e-4, without a point, as text.
    assert Outer.build(override({}, ["inner.rate=1e-4"])).inner.rate == 1e-4


@pytest.mark.parametrize("assignment", ["a..b=1", ".a=1", "a.=1"])
def test_override__gap_in_the_path_is_refused_when_built(assignment: str) -> None:
    with pytest.raises(ConfigError):
        PretrainSettings.build(override({}, [assignment]))


def test_override__task_switched_off_in_yaml_can_be_switched_on_again() -> None:
    values = override({"tasks": {"gap": {}, "position": None}}, ["tasks.position.weight=0.5"])
    assert values["tasks"] == {"gap": {}, "position": {"weight": 0.5}}


keys = st.text("abcdef", min_size=1, max_size=3)


@settings(max_examples=60)
@given(path=st.lists(keys, min_size=1, max_size=4), value=st.one_of(st.integers(), st.booleans(), st.none()))
def test_override__what_is_set_can_be_read_back(path: list[str], value: object) -> None:
    result = override({}, [f"{'.'.join(path)}={json.dumps(value)}"])
    for key in path:
        assert list(result) == [key]
        result = result[key]
    assert result == value
    assert type(result) is type(value)


def test_settings__every_field_is_documented() -> None:
    """The reference page is made from these docstrings."""

    def missing(model: type[Config], path: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, Config):
                found += missing(kind, f"{path}{name}.")
            if not field.description:
                found.append(f"{path}{name}")
        return found

    assert missing(PretrainSettings) == []


class Group(Config):
    """A group with two settings."""

    a: int = 1
    b: int = 2


class Presets(Config):
    """Presets that differ from the group's own defaults."""

    group: Group = Group(a=10, b=20)


def test_config__a_group_given_in_part_keeps_the_rest_of_its_preset() -> None:
    assert Presets.build({"group": {"a": 5}}).group == Group(a=5, b=20)
    assert Presets.build({"group": Group(a=5)}).group == Group(a=5, b=2), "a whole group is taken as it is"
    assert Presets.build({}).group == Group(a=10, b=20)
    with pytest.raises(ConfigError, match=r"group\.c"):
        Presets.build({"group": {"c": 5}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grid: {spacing_mm: 1.0, spacing_mm: 2.0}", "spacing_mm is there twice in one group, again in line 1"),
        ("seed: 1\ninner:\n  steps: 1\nseed: 2", "seed is there twice in one group, again in line 4"),
    ],
)
def test_load_yaml__a_key_that_is_there_twice_is_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words) as raised:
        load_yaml(tmp_path / "mine.yaml")
    assert "mine.yaml" in raised.value.message and raised.value.cure


def test_load_yaml__a_key_may_come_again_in_another_group_and_over_one_that_is_merged(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: &a {steps: 1, rate: 2}\nb: {<<: *a, steps: 3}")
    assert load_yaml(tmp_path / "mine.yaml") == {"a": {"steps": 1, "rate": 2}, "b": {"steps": 3, "rate": 2}}
