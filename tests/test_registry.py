"""Classes by name: lazily, from entry points, and refused where they are not what they should be."""

import subprocess
import sys
from pathlib import Path

import pytest

from orienteer.errors import OrienteerError
from orienteer.registry import Registry

BASE = "tests.test_registry:Animal"


class Animal:
    name = "animal"


class Dog(Animal):
    name = "dog"


class Cat(Animal):
    name = "cat"


def animals(**shipped: str) -> Registry[Animal]:
    return Registry(base=BASE, group="orienteer.animals", shipped=shipped or {"dog": "tests.test_registry:Dog"})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package whose entry points a test writes."""
    (tmp_path / "zoo.py").write_text(
        "from tests.test_registry import Animal\n"
        "class Owl(Animal):\n    name = 'owl'\n"
        "class Stone:\n    name = 'stone'\n"
    )
    told = tmp_path / "zoo-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return told / "entry_points.txt"


def test_registry__is_a_mapping_in_order() -> None:
    registry = animals()
    registry.register(Cat)
    assert list(registry) == ["dog", "cat"] and len(registry) == 2 and "cow" not in registry
    assert registry["dog"].__name__ == "Dog" and registry["cat"] is Cat and registry.get("cat") is Cat
    with pytest.raises(KeyError):
        registry["cow"]
    registry.unregister("cat")
    assert list(registry) == ["dog"]


def test_registry__listing_names_imports_nothing() -> None:
    code = (
        "import sys; from orienteer.registry import Registry\n"
        "r = Registry(base='csv:Dialect', group='orienteer.animals', shipped={'dog': 'wave:Wave_read'})\n"
        "assert list(r) == ['dog'] and 'dog' in r; assert 'wave' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_registry__installed_packages_come_after_ours(package: Path) -> None:
    package.write_text("[orienteer.animals]\nowl = zoo:Owl\n\n[orienteer.other]\nstone = zoo:Stone\n")
    registry = animals()
    assert list(registry) == ["dog", "owl"]
    assert registry["owl"].name == "owl"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("owl = zoo:Nothing", "cannot be imported"),
        ("owl = nowhere:Owl", "cannot be imported"),
        ("stone = zoo:Stone", "does not extend"),
        ("eagle = zoo:Owl", "is called 'owl' by its class"),
        ("dog = zoo:Owl", "has a name that is taken"),
    ],
)
def test_registry__a_broken_package_is_named(package: Path, line: str, why: str) -> None:
    package.write_text(f"[orienteer.animals]\n{line}\n")
    with pytest.raises(OrienteerError, match=why) as caught:
        dict(animals())
    assert "installed with zoo" in caught.value.message and "uninstall zoo" in caught.value.cure


def test_registry__refuses_a_second_class_of_one_name_and_one_of_another_kind() -> None:
    registry = animals()
    registry.register(Cat)
    registry.register(Cat)
    with pytest.raises(OrienteerError, match="already a 'cat'"):
        registry.register(type("Other", (Animal,), {"name": "cat"}))
    with pytest.raises(OrienteerError, match="does not extend"):
        registry.register(type("Stone", (), {"name": "stone"}))
    with pytest.raises(OrienteerError, match="is called ''"):
        registry.register(type("Nameless", (Animal,), {"name": ""}))
