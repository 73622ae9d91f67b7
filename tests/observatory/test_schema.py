"""The page's types and the HTTP reference say what the server's own schema says."""

import importlib.util
from types import ModuleType

import pytest

from orienteer.observatory.app import create_api
from orienteer.observatory.desk import Desk
from orienteer.observatory.responses import Answer
from tests.conftest import REPOSITORY
from tests.observatory.client import Client

SCRIPT = REPOSITORY / "docs" / "make_api.py"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_api", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Thing(Answer):
    """A thing."""

    size_mm: tuple[float, float, float] | None
    """In ``mm``."""
    words: dict[str, list[list[str | None]]]
    """What is said
    of it."""


class Silent(Answer):
    """Says nothing."""

    key: int


def _api(model: type[Answer]) -> dict:
    return {"components": {"schemas": {model.__name__: model.model_json_schema(mode="serialization")}}}


def test_schema__the_committed_types_and_the_page_are_fresh(made: ModuleType) -> None:
    api = made.openapi()
    assert made.TYPES.read_text(encoding="utf-8") == made.types(api), "stale: run  make web"
    written = made.PAGE.read_text(encoding="utf-8")
    assert written == made.page(api, written), "stale: run  make docs"


def test_schema__every_answer_has_a_type(client: Client) -> None:
    paths = create_api(Desk({}, threads=1)).openapi()["paths"]
    answers = {
        path: operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema")
        for path, operations in paths.items()
        for operation in operations.values()
    }
    assert {path for path, schema in answers.items() if schema is None} == {"/api/scan/{scan}.nii"}
    assert all(schema.keys() == {"$ref"} for schema in answers.values() if schema is not None)
    for path in ("/api/session", "/api/history/a", "/api/live/a", "/api/judge/a"):
        assert client.get(path).headers["content-type"] == "application/json"


def test_schema__types_have_the_nulls_and_optional_keys_of_the_server(made: ModuleType) -> None:
    assert """
/** A thing. */
export interface Thing {
  /** In `mm`. */
  size_mm: readonly [number, number, number] | null;
  /** What is said of it. */
  words: Record<string, readonly (readonly (string | null)[])[]>;
}
""" in made.types(_api(Thing))
    look = made.types(made.openapi()).partition("export interface LookRequest {")[2]
    assert "  probe?: " in look and "  scan: string;" in look


def test_schema__a_key_without_words_is_an_error(made: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"Silent\.key has no docstring"):
        made.types(_api(Silent))
