"""How the commands print a result for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.cli.terminal import note, show


def show_summary(summary: Mapping[str, Any]) -> None:
    """Print the summary of a result, a line for each quantity."""
    from rich.text import Text

    from scenarios.run.notebook import rows, title

    lines = rows(summary)
    left, middle = (max(len(row[k]) for row in lines) for k in (0, 1))
    show(Text(title(summary), style="bold"))
    for row in lines:
        symbol, value = (f"  {row.symbol:>{left}}", "cyan"), (f"{row.value:<{middle}}", "bold")
        show(Text.assemble(symbol, " = ", value, "  ", (row.meaning, "dim")))
    for text in summary.get("notes", ()):
        note(f"note: {text}")
    if "shadow" in summary:
        for text in shadow_notes(summary["shadow"]):
            note(f"note: {text}")


def is_alarming(shadow: Mapping[str, Any]) -> bool:
    """Whether a shadow has found something that is not as it should be, or could judge nothing."""
    return bool(shadow["alarms"]) or not any(channel["judged"] for channel in shadow["channels"])


def shadow_notes(shadow: Mapping[str, Any]) -> list[str]:
    """What the twin beside a run has found, in a line or two."""
    channels = shadow["channels"]
    judged = sum(channel["judged"] for channel in channels)
    readings, doubtful = (sum(channel[key] for channel in channels) for key in ("readings", "doubtful"))
    silent = [f"{c['channel']} {c['quantity']}" for c in channels if not c["judged"]]
    found = [
        f"shadow: {shadow['alarms']} alarms in {judged} blocks; {doubtful} of {readings} readings out of their band"
    ]
    if not judged:
        found.append("shadow: NOTHING was judged: no block that was read has a band")
    if silent:
        found.append(f"shadow: no band for {', '.join(silent)}: the scenario states neither noise nor uncertainty")
    return found
