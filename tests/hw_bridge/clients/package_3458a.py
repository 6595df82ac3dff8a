"""The hp3458a package, unmodified, over three ways in: prints what it has found of each as one JSON object.

Usage: package_3458a.py ROWS, with the rows that ``kibble-twin serve --json`` lists for a voltmeter. The package leaves
the choice of a VISA library to the environment: PYVISA_LIBRARY=@py.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from hp3458a.main import HP3458A


def operate(address: str) -> dict[str, Any]:
    meter = HP3458A(address, delay=0.0, timeout=60_000)
    meter.reset_multimeter()
    found: dict[str, Any] = {"id": meter.get_id()}
    meter.set_trigger_arm("HOLD")
    meter.set_range(10)
    meter.set_nplc(10)
    found["aperture"] = float(meter.get_aperture())
    meter.set_autozero("OFF")
    meter.set_aperture(1e-3)
    meter.set_memory_storage_mode("FIFO")
    meter.set_memory_format("DREAL")
    meter.set_timer_interval(0.01)
    meter.set_number_of_reading_per_trigger(20, "TIMER")
    meter.set_trigger_event("AUTO")
    meter.set_trigger_arm("SGL")
    found["count"] = meter.get_number_of_stored_readings()
    found["readings"] = meter.read_memory(1, 20)
    found["scale"] = float(meter.get_integer_scale())
    meter.set_start_of_subprogram("ONE")
    found["error"] = meter.get_error_string()
    meter.close_connection()
    return found


def main() -> None:
    rows = json.loads(sys.argv[1])
    addresses = {"socket": rows["socket"]["address"], "hislip": rows["hislip"]["address"]}
    addresses["vxi11"] = rows["vxi11"]["bus_address"]
    print(json.dumps({name: operate(address) for name, address in addresses.items()}))


main()
