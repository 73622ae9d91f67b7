"""The configuration reference is generated; this fails when the committed page no longer fits the code."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import Field

from orienteer.config import Config
from orienteer.records.verdict import VerdictRule
from orienteer.units import percent

SCRIPT = Path(__file__).resolve().parent.parent / "docs" / "make_reference.py"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Engine(Config):
    """What drives."""

    power: float = Field(2.5, gt=0, le=9)
    """In ``kW``."""
    fuel: Literal["wood", "coal"] | None = None
    """What | burns."""


class Train(Config):
    """A whole train."""

    engine: Engine = Engine()
    """The front."""
    strong: Engine = Engine(power=7.5)
    """Preset otherwise than its class."""
    spare: Engine | None = None
    """Another."""
    name: str
    """Painted on it."""
    stops: tuple[int, ...] = (1, 2)
    """Where it halts."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Anything else."""


class Silent(Config):
    """Says nothing."""

    key: int = 1


def test_reference__the_committed_page_is_fresh(reference: ModuleType) -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "stale: run  make docs"


def test_reference__the_method_has_the_verdicts_rule_as_the_code_has_it(reference: ModuleType) -> None:
    page = reference.METHOD.read_text(encoding="utf-8")
    assert page == reference.method(), "stale: run  make docs"
    assert f"- **Stuck**: the skill is below {percent(VerdictRule().stuck_below)}." in page


def test_reference__every_setting_is_on_the_page(reference: ModuleType) -> None:
    page = reference.render("# Trains\n", Train, {"extra.carriage": Engine})
    assert page.startswith("# Trains\n")
    assert "| `engine.power` | number, > 0 and <= 9 | `2.5` | In `kW`. |" in page
    assert "| `engine.fuel` | `wood` or `coal` or null | `null` | What \\| burns. |" in page
    assert "| `name` | text | required | Painted on it. |" in page
    assert "| `stops` | list of whole number, ... | `[1, 2]` | Where it halts. |" in page
    assert "| `extra` | mapping | `{}` | Anything else. |" in page
    assert "| `strong.power` | number, > 0 and <= 9 | `7.5` |" in page
    assert "| `spare.power` | number, > 0 and <= 9 | `2.5` |" in page
    assert "| `extra.carriage.power` |" in page


def test_reference__a_setting_without_words_is_an_error(reference: ModuleType) -> None:
    with pytest.raises(SystemExit, match="key has no docstring"):
        reference.render("", Silent, {})


def test_reference__real_keys_are_keys_of_a_settings_file(reference: ModuleType) -> None:
    from orienteer.config import override
    from orienteer.runs.settings import PretrainSettings

    page = reference.page()
    pretrain, rest = page.split("# `orienteer finetune`")
    finetune, benchmark = rest.split("# `orienteer benchmark`")
    assert "| `optimiser.steps` | whole number, >= 1 | `2000` |" in pretrain
    assert "| `optimiser.steps` | whole number, >= 1 | `1000` |" in finetune
    assert "| `patches.geometry.probability` | number, >= 0 and <= 1 | `0.7` |" in finetune
    assert "| `transfer.freeze` |" in finetune and "| `structures` |" in finetune
    assert "| `arms.NAME.role` |" in benchmark and "| `data.scans` |" in benchmark
    assert "| `tasks.gap.form` |" in page
    built = PretrainSettings.build(override({}, ["optimiser.steps=7"]))
    assert built.optimiser.steps == 7
