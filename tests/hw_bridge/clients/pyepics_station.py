"""pyepics, with the libca of EPICS itself: gets, puts, limits, alarms and a monitor of every kind of instrument."""

from __future__ import annotations

import json
import os
import sys

rows = json.loads(sys.argv[1])
os.environ |= {
    "EPICS_CA_ADDR_LIST": next(iter(rows.values()))["ca_addr_list"],
    "EPICS_CA_AUTO_ADDR_LIST": "NO",
    "EPICS_CA_MAX_SEARCH_PERIOD": "60",
}

import epics  # noqa: E402

PATIENCE = 20.0
found: dict[str, object] = {}
pvs = {name: epics.PV(name, form="ctrl") for row in rows.values() for name in row["pvs"]}
found["connected"] = all(pv.wait_for_connection(PATIENCE) for pv in pvs.values())


def put(name: str, value: object) -> bool:
    """Put, and wait for the operation to end; whether it was done."""
    try:
        return pvs["kibble:" + name].put(value, wait=True, timeout=PATIENCE) == 1
    except epics.ca.CASeverityException:  # read only
        return False


def get(name: str) -> object:
    """A value, afresh from the server."""
    return pvs["kibble:" + name].get(timeout=PATIENCE, use_monitor=False)


def control(name: str) -> dict[str, object]:
    """Limits, units and alarm."""
    pv = pvs["kibble:" + name]
    told = pv.get_ctrlvars(timeout=PATIENCE)
    keys = ("units", "lower_ctrl_limit", "upper_ctrl_limit", "severity", "status")
    return {key: told[key] for key in keys if key in told}


seen: list[float] = []
pvs["kibble:current_source:current"].add_callback(lambda value, **_: seen.append(value))
found["put"] = [put("current_source:range", 20e-3), put("current_source:compliance", 50.0)]
found["put"] += [put("current_source:current", 2e-3), put("current_source:output", "On")]
found["current"] = get("current_source:current")
found["limits"] = control("current_source:current")
put("current_source:current", 5.0)  # which pyepics does not tell from one that was done: the alarm does
found["after"] = get("current_source:current")
found["alarm"] = control("current_source:current")["severity"]
put("current_source:current", 2e-3)
found["no alarm"] = control("current_source:current")["severity"]
found["put"] += [put("current_voltmeter:aperture", 0.2), put("current_voltmeter:range", 10.0)]
found["put"] += [put("current_voltmeter:read", 1)]
found["voltage"] = get("current_voltmeter:reading")
put("current_voltmeter:range", 1.0), put("current_voltmeter:read", 1)
found["overload"] = [get("current_voltmeter:reading"), control("current_voltmeter:reading")["severity"]]
found["put"] += [put("magnet_thermometer:range", 100.0), put("magnet_thermometer:read", 1)]
found["resistance"] = get("magnet_thermometer:reading")
found["put"] += [put("flexure:servo", 1), put("flexure:referenced", 1), put("flexure:velocity", 1e-3)]
found["put"] += [put("flexure:target", 0.5e-3)]
found["position"] = get("flexure:position")
put("flexure:target", 0.5)
found["beyond"] = [control("flexure:target")["severity"], get("flexure:position")]
found["read only"] = [put("flexure:position", 0.0), get("flexure:position")]
pvs["kibble:current_source:current"].put(1.5e-3, wait=True, timeout=PATIENCE)
for _ in range(100):
    if seen and seen[-1] == 1.5e-3:
        break
    epics.ca.poll(0.05)
found["seen"] = seen[-1]
found["state"] = pvs["kibble:current_source:output"].get(as_string=True)
put("current_source:output", "Off")
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)  # libca's threads are not waited for
