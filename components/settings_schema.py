"""JSON schema of a stack file, for completion and checks in editors: ``python -m components.settings_schema``."""

import json
from typing import Any

from components.settings import PROJECT, PROTECT, SECTIONS


def stack_schema() -> dict[str, Any]:
    """Return the schema of ``Pulumi.<stack>.yaml``."""
    sections = {
        f"{PROJECT}:{name}": model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        for name, model in SECTIONS.items()
    }
    definitions = {
        f"{name}.{definition}": schema
        for name in SECTIONS
        for definition, schema in sections[f"{PROJECT}:{name}"].pop("$defs", {}).items()
    }
    protect = {
        "type": "boolean",
        "default": True,
        "description": "Refuse to delete or replace what holds data, and keep volumes. False in dev only.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of the platform program",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {f"{PROJECT}:{PROTECT}": protect, **sections},
                "required": [f"{PROJECT}:cluster"],
                "patternProperties": {f"^(?!{PROJECT}:)": {}},
                "additionalProperties": False,
            },
        },
        "$defs": definitions,
    }


if __name__ == "__main__":
    print(json.dumps(stack_schema(), indent=2))
