"""``kibble-twin schema``: the JSON Schema of a scenario file."""

from __future__ import annotations

import json
import sys


def schema() -> None:
    """Print the JSON Schema of scenario files, for an editor."""
    from scenarios.run.execute import MODELS
    from scenarios.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(MODELS), indent=2, ensure_ascii=False) + "\n")
