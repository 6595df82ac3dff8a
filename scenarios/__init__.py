"""Experiments: scenario files, campaigns, data reduction, runs and the command line.

>>> import scenarios
>>> result = scenarios.load("nist4_tmtp").with_({"campaign.cycles": 1}).run()
>>> abs(result.relative_error) < 1e-6
True
"""

from __future__ import annotations

from typing import Any

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from scenarios.run.experiment import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
