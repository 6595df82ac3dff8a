"""What of a run was real: a table of the instruments, and what somebody has to know of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from scenarios.report.tables import Row
from scenarios.run.notebook import duration, when, with_prefix
from scenarios.run.record import Record

ARTEFACT = "artefact"


class Instrument(NamedTuple):
    """A real part.

    Parameters
    ----------
    did : whether its output was switched.
    end : how it was found in the end.
    remarks : what happened on its connection, and whether its driver has ever met hardware.
    """

    name: str
    driver: str
    resource: str
    identity: str
    did: str
    calibration: str
    end: str
    remarks: str


def kind(result: Record) -> str:
    """What the head of a report says of a run."""
    if not result.hardware:
        return "simulated" if len(result.truth) else ""
    real = [name for name, told in _told(result).items() if told.get("driver") != ARTEFACT]
    how = "outputs armed" if result.hardware.get("armed") else "a dry run"
    return f"with {len(real)} real instrument{'s' * (len(real) != 1)}, {how}"


def instruments(result: Record) -> list[Instrument]:
    """One for each real part; empty for a simulated run."""
    return [_instrument(name, told, bool(result.hardware.get("armed"))) for name, told in _told(result).items()]


def facts(result: Record) -> list[Row]:
    """How it went, in real time."""
    account = result.hardware
    if not account:
        return []
    lag = account.get("lag", {})
    armed = "yes: outputs were switched" if account.get("armed") else "no: outputs were checked and not switched"
    rows = [Row("Armed", armed)]
    if began := when(account):
        rows.append(Row("Measured", began.strip()))
    if lag.get("events"):
        late = f"{lag['overruns']} of {lag['events']} events later than {duration(lag['tolerance_s'])}"
        worst = f"99 % within {with_prefix(lag['p99_s'], 's')}, the worst {with_prefix(lag['worst_s'], 's')}"
        rows.append(Row("Lag", f"{late}; {worst}"))
    for gap in account.get("interruptions", ()):
        text = f"for {duration(gap['gap_s'])} at {duration(gap['at_s'])} of the run; the twin does not know what the "
        rows.append(Row("Interrupted", f"{text}balance did meanwhile"))
    simulated = [name for name in result.scenario.balance.parts if name not in _told(result)]
    rows.append(Row("Simulated", ", ".join(simulated) or "nothing"))
    return rows


def unverified(result: Record) -> list[str]:
    """What of the safe state could not be verified."""
    return list(result.hardware.get("unverified", ()))


def _told(result: Record) -> dict[str, Any]:
    return dict(result.hardware.get("instruments", {}))


def _instrument(name: str, told: dict[str, Any], armed: bool) -> Instrument:
    if told.get("driver") == ARTEFACT:
        did = "passed through"
    elif told.get("acts"):
        did = "armed" if armed else "dry run"
    else:
        did = "read"
    c = told.get("calibration") or {}
    parts = [
        f"gain {c['gain']:.3g}" if c.get("gain") else "",
        f"offset {c['offset']:.3g}" if c.get("offset") else "",
        f"u {c['u']:.3g}" if c.get("u") else "",
    ]
    log = [entry for entry in told.get("log", ()) if not str(entry).startswith("dry run")]
    remarks = [
        f"{len(log)} incident{'s' * (len(log) != 1)}: {log[-1]}" if log else "",
        f"{told['stale_replies']} stale replies" if told.get("stale_replies") else "",
        _followed(told["followed"]) if told.get("followed") else "",
        "" if told.get("met_hardware") or told.get("driver") == ARTEFACT else "driver has met no hardware",
    ]
    return Instrument(
        name,
        str(told.get("driver", "")),
        str(told.get("resource", "")) or "–",
        str(told.get("identity", "")) or "–",
        did,
        ", ".join(filter(None, parts)) or "none",
        str(told.get("end", "unknown")),
        "; ".join(filter(None, remarks)) or "–",
    )


def _followed(account: dict[str, Any]) -> str:
    """How its readings drove the twin."""
    late = [
        f"{account[what]} {words}" for what, words in (("late", "too late"), ("missing", "no number")) if account[what]
    ]
    return f"drove the twin, {account['latency_s']:g} s later" + (f" ({', '.join(late)})" if late else "")
