"""Write the page's types and the HTTP reference from the observatory's own schema, so that they cannot disagree.

Usage: ``python docs/make_api.py`` writes both files; ``--check`` only says whether one is stale (exit 1).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent / "reference" / "observatory.md"
TYPES = PAGE.parents[2] / "web" / "src" / "api-types.ts"
GENERATED = "\n## Questions\n"
"""What follows this heading of the page is written here; what stands before it, by hand."""
TYPES_HEAD = """\
// What is asked of the server and what it answers. Written from its schema by docs/make_api.py: edit the models in
// src/orienteer/observatory/, then run `make web`. Positions are mm in the scan's own frame: voxel index times spacing.
"""
PAGE_HEAD = """
This part is written from the code by `make docs`; edit the docstrings, not the page. A vector has three components,
along R, A and S.
"""
TYPESCRIPT = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "null": "null",
}

Schema = Mapping[str, Any]


def openapi() -> Schema:
    """The schema of the observatory, as it is installed."""
    from orienteer.observatory.app import create_api
    from orienteer.observatory.desk import Desk

    return create_api(Desk({}, threads=1)).openapi()


def types(api: Schema) -> str:
    """TypeScript: one interface for each model, nulls and optional keys as the server has them."""
    return TYPES_HEAD + "".join(_declaration(name, model) for name, model in _models(api).items())


def _declaration(name: str, model: Schema) -> str:
    comment = f"\n/** {_plain(model['description'])} */\n"
    if "properties" not in model:
        return f"{comment}export type {name} = {_typescript(model)};\n"
    lines = []
    for key, field, optional in _fields(name, model):
        lines.append(f"  /** {_plain(field['description'])} */\n  {key}{'?' * optional}: {_typescript(field)};\n")
    return f"{comment}export interface {name} {{\n{''.join(lines)}}}\n"


def _typescript(schema: Schema) -> str:
    if name := _referred(schema):
        return name
    if "anyOf" in schema:
        return " | ".join(map(_typescript, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if items := _tuple(schema):
        return f"readonly [{', '.join(map(_typescript, items))}]"
    if schema["type"] == "array":
        item = _typescript(schema["items"])
        return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
    if schema["type"] == "object":
        return f"Record<string, {_typescript(schema['additionalProperties'])}>"
    return TYPESCRIPT[schema["type"]]


def page(api: Schema, written: str) -> str:
    """The reference: what is written by hand, then every question and every model.

    Args:
        api: the schema.
        written: the page as it is.
    """
    questions = [
        _question(method.upper(), path, operation)
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
    ]
    models = [_model(name, model) for name, model in _models(api).items()]
    text = [written.partition(GENERATED)[0], GENERATED, PAGE_HEAD, *questions, "\n## Requests and answers\n", *models]
    return "".join(text)


def _question(method: str, path: str, operation: Schema) -> str:
    parts = [f"### `{method} {path}`", _prose(operation["description"])]
    for one in operation.get("parameters", ()):
        if one["in"] == "query":
            default = one["schema"].get("default")
            by_default = "" if default is None else f", by default {default}"
            parts.append(f"`?{one['name']}=` is a {_words(one['schema'])}{by_default}.")
    asked, answered = _json(operation.get("requestBody", {})), _json(operation["responses"]["200"])
    parts.append(" ".join(f"{verb} {_words(one)}." for verb, one in (("Takes", asked), ("Answers", answered)) if one))
    return "\n" + "\n\n".join(filter(None, parts)) + "\n"


def _json(message: Schema) -> Schema:
    found: Schema = message.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _model(name: str, model: Schema) -> str:
    head = f"\n### {name}\n\n{_prose(model['description'])}\n"
    if "properties" not in model:
        return f"{head}\nA {_words(model)}.\n"
    rows = ["\n| key | type | what it is |\n|---|---|---|\n"]
    for key, field, optional in _fields(name, model):
        default = f", by default `{_value(field.get('default'))}`" if optional else ""
        rows.append(f"| `{key}` | {_words(field)}{default} | {_prose(field['description'])} |\n")
    return head + "".join(rows)


def _words(schema: Schema) -> str:
    if name := _referred(schema):
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if items := _tuple(schema):
        words = [_words(item) for item in items]
        return "vector" if words == ["number"] * 3 else f"[{', '.join(words)}]"
    if schema["type"] == "array":
        return f"list of {_words(schema['items'])}{_limits(schema, 'minItems', 'maxItems')}"
    if schema["type"] == "object":
        return f"mapping of text to {_words(schema['additionalProperties'])}"
    return WORDS[schema["type"]] + _limits(schema, "minimum", "maximum")


def _limits(schema: Schema, low: str, high: str) -> str:
    return f", {schema[low]:.0f} to {schema[high]:.0f}" if low in schema and high in schema else ""


def _tuple(schema: Schema) -> list[Schema]:
    """The items of an array of a fixed length, else none."""
    if "prefixItems" in schema:
        return list(schema["prefixItems"])
    least, most = schema.get("minItems"), schema.get("maxItems")
    return [{"type": schema["items"]["type"]}] * least if least is not None and least == most else []


def _models(api: Schema) -> dict[str, Schema]:
    """Every model by name; examples of Python among its words are left out."""
    models = sorted(api["components"]["schemas"].items())
    words = {name: model["description"].partition("\n\nExamples:")[0] for name, model in models}
    return {name: {**model, "description": words[name]} for name, model in models}


def _fields(name: str, model: Schema) -> Iterator[tuple[str, Schema, bool]]:
    """Key, schema and whether it may be left out."""
    for key, field in model["properties"].items():
        if "description" not in field:
            raise SystemExit(f"{name}.{key} has no docstring below it, so nobody can be told what it is")
        yield key, field, key not in model.get("required", ())


def _referred(schema: Schema) -> str:
    """The model that a schema stands for, else empty; older releases of pydantic wrap what is said beside it."""
    return str(schema.get("allOf", [schema])[0].get("$ref", "")).rpartition("/")[2]


def _value(default: object) -> str:
    return "null" if default is None else str(default)


def _plain(text: str) -> str:
    """One line, links as their words."""
    return " ".join(text.split()).replace("``", "`").replace("](#refusals)", "").replace("[refusals", "refusals")


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n")).replace("``", "`")


def main() -> None:
    """Write both, or with ``--check`` compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when one is stale")
    check = parser.parse_args().check
    api = openapi()
    for path, text in {PAGE: page(api, PAGE.read_text(encoding="utf-8")), TYPES: types(api)}.items():
        if not check:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path}")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is stale; run: make docs")


if __name__ == "__main__":
    main()
