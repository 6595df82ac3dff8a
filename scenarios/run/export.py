"""The netCDF file of a run: every block with its times, labels and units, and where it all comes from.

Blocks of one channel, quantity and phase that have the same shape are records of one variable, with the dimensions
record, burst and reading. Variables that were recorded at the same instants with the same labels share the record
dimension and its coordinates: ``start_ns`` and the labels. The truth is in a group of its own, so that what reads the
readings cannot see it, and so is the log (what instruments were told, readings that are not good), if there is one:

    readings = xarray.open_dataset("run.nc")
    truth = xarray.open_dataset("run.nc", group="truth")

`read_blocks` gives the blocks back as they were recorded, for a reduction to be run again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scenarios.run.output import OutputError, check_room
from twin.recorder import Block, Blocks, Label, Schedule

if TYPE_CHECKING:
    import xarray as xr

    from scenarios.run.result import Result
    from scenarios.schema import Scenario

ENGINE: Final = "h5netcdf"
TRUTH, LOG = "truth", "log"
FORMAT = 1
ROOM = 200_000
"""Bytes of a file beside its values."""
_OWN = ("start_ns", "record", "burst", "reading")


class ExportError(OutputError):
    """A file is no run of this program, or a format has no place for a run."""


# --- writing ---------------------------------------------------------------------------------------------------------


def write_run(result: Result, path: Path) -> None:
    """Write the blocks of a run with their provenance."""
    write_blocks(path, result.readings, result.truth, provenance(result.summary(), result.scenario), result.log)


def provenance(summary: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    """What was run by what: the global attributes of the file; of a run with real instruments when, too."""
    began = (summary.get("hardware") or {}).get("began")
    return {
        **({"began": began} if began else {}),
        "title": f"Kibble balance campaign {scenario.name}",
        "source": f"kibble-twin {summary['version']}",
        "version": summary["version"],
        "scenario_name": scenario.name,
        "scenario_hash": scenario.hash,
        "scenario": scenario.to_yaml(),
        "campaign": scenario.campaign_type,
        "seed": scenario.seed,
    }


def began(path: Path) -> datetime | None:
    """When the run in a file began, in UTC; None for a simulated one."""
    import xarray as xr

    with xr.open_dataset(path, engine=ENGINE) as data:
        told = data.attrs.get("began")
    return datetime.fromisoformat(told).astimezone(UTC) if told else None


def write_blocks(
    path: Path, readings: Blocks, truth: Blocks, attributes: dict[str, Any], log: Blocks | None = None
) -> None:
    """Write blocks to a netCDF file, one variable at a time, so that memory holds no second copy of the run.

    Parameters
    ----------
    path : the file; one that is there is replaced.
    attributes : global attributes.
    log : what was told, and what is not good; a group of its own, if there is any.

    Raises
    ------
    OutputError
        If there is no room.
    """
    import xarray as xr

    check_room(path.parent, 8 * (readings.samples + truth.samples) + 1_000 * (len(readings) + len(truth)) + ROOM)
    xr.Dataset(attrs={**attributes, "kibble_twin_format": FORMAT}).to_netcdf(path, mode="w", engine=ENGINE)
    xr.Dataset().to_netcdf(path, mode="a", group=TRUTH, engine=ENGINE)
    groups: list[tuple[str | None, Blocks]] = [(None, readings), (TRUTH, truth)]
    if log is not None and len(log):
        groups.append((LOG, log))
    for group, blocks in groups:
        names = _Names()
        for records in _variables(blocks):
            data = _dataset(records, names)
            fill = {str(name): {"_FillValue": None} for name in data.variables}
            data.to_netcdf(path, mode="a", group=group, engine=ENGINE, encoding=fill)


def _variables(blocks: Blocks) -> Iterator[list[Block]]:
    """The blocks that are records of one variable, variable by variable."""
    found: dict[tuple[Any, ...], list[Block]] = defaultdict(list)
    for block in blocks:
        s = block.schedule
        labels = tuple((key, type(value)) for key, value in block.labels.items())
        grid = (s.step, s.count, s.every, s.repeats, block.aperture)
        about = (block.channel, block.quantity, block.unit, block.source, block.labels.get("phase"))
        found[about, grid, labels].append(block)
    yield from found.values()


def _dataset(records: list[Block], names: _Names) -> xr.Dataset:
    """One variable with its coordinates."""
    import xarray as xr

    first = records[0]
    schedule, labels, phase = first.schedule, list(first.labels), str(first.labels.get("phase", ""))
    starts = [block.schedule.start for block in records]
    columns = {label: [block.labels[label] for block in records] for label in labels}
    stem = names.shared(_plain(phase) or "run", (starts, columns))
    record = f"{stem}_record"
    burst, reading = names.shared(f"{stem}_burst", schedule.repeats), names.shared(f"{stem}_reading", schedule.count)
    start = np.array(starts, dtype=np.int64)
    coordinates: dict[str, Any] = {
        f"{stem}_start_ns": (record, start, {"units": "ns", "long_name": "start of the first reading"}),
        **{name: (record, _column(columns[key])) for name, key in zip(_coordinates(stem, labels), labels, strict=True)},
    }
    quantity = "" if "." in first.channel else first.quantity  # the channel of a truth names its port
    attributes = {
        "long_name": f"{first.quantity.replace('_', ' ')} of {first.channel}",
        "units": first.unit,
        "channel": first.channel,
        "quantity": first.quantity,
        "source": first.source,
        "labels": json.dumps(labels, ensure_ascii=False),
        "records": stem,
        "step_ns": schedule.step,
        "every_ns": schedule.every,
        "aperture_ns": first.aperture,
    }
    values = np.stack([block.values for block in records])
    name = names.own(_plain("_".join(filter(None, (first.channel, quantity, phase)))))
    return xr.Dataset({name: ((record, burst, reading), values, attributes)}, coords=coordinates)


class _Names:
    """Names in a group; a name that is taken by something else gets a number."""

    def __init__(self) -> None:
        self._variables: set[str] = set()
        self._contents: dict[str, Any] = {}

    def own(self, wanted: str) -> str:
        """A name that no other variable has."""
        name = next(name for name in _numbered(wanted) if name not in self._variables)
        self._variables.add(name)
        return name

    def shared(self, wanted: str, content: Any) -> str:
        """The name that stands for this content: the size of a dimension, or the times and labels of records."""
        return next(name for name in _numbered(wanted) if self._contents.setdefault(name, content) == content)


def _numbered(wanted: str) -> Iterator[str]:
    """A name, then the same with numbers from 2 on."""
    yield wanted
    yield from (f"{wanted}_{number}" for number in count(2))


def _coordinates(stem: str, labels: list[str]) -> list[str]:
    """The names of the labels' coordinates."""
    found: list[str] = []
    for label in labels:
        taken = {*found, *(f"{stem}_{own}" for own in _OWN)}
        found.append(next(name for name in _numbered(f"{stem}_{_plain(label)}") if name not in taken))
    return found


def _plain(name: str) -> str:
    """A name of letters, digits and underscores."""
    return re.sub(r"\W+", "_", name)


def _column(values: list[Label]) -> np.ndarray[Any, Any]:
    """A label's values as an array that netCDF can hold."""
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_blocks(path: Path) -> tuple[Blocks, Blocks]:
    """The readings and the truth of a file that `write_run` wrote, each in the order of time.

    Raises
    ------
    ExportError
        If it is no such file.
    """
    import xarray as xr

    try:
        with xr.open_dataset(path, engine=ENGINE) as data:
            if data.attrs.get("kibble_twin_format") != FORMAT:
                raise ExportError(f"{path}: expected a run of kibble-twin in format {FORMAT}")
            readings = _blocks(data.load())
        with xr.open_dataset(path, engine=ENGINE, group=TRUTH) as data:
            truth = _blocks(data.load())
    except (OSError, KeyError, ValueError) as error:
        raise ExportError(f"{path} is no run of kibble-twin: {error}") from None
    return readings, truth


def read_log(path: Path) -> Blocks:
    """The log of such a file, in the order of time; none if it has none."""
    import xarray as xr

    try:
        with xr.open_dataset(path, engine=ENGINE, group=LOG) as data:
            return _blocks(data.load())
    except OSError:  # there is no such group
        return Blocks()


def _blocks(data: xr.Dataset) -> Blocks:
    found = [block for variable in data.data_vars.values() for block in _records(data, variable)]
    return Blocks(sorted(found, key=lambda b: (b.schedule.end, b.schedule.start, b.channel, b.quantity)))


def _records(data: xr.Dataset, variable: xr.DataArray) -> Iterator[Block]:
    """The blocks of one variable."""
    about, stem = variable.attrs, variable.attrs["records"]
    labels: list[str] = json.loads(about["labels"])
    columns = [data[name].values.tolist() for name in _coordinates(stem, labels)]
    repeats, number = variable.shape[1:]
    for k, start in enumerate(data[f"{stem}_start_ns"].values.tolist()):
        yield Block(
            channel=about["channel"],
            quantity=about["quantity"],
            unit=about["units"],
            schedule=Schedule(start, int(about["step_ns"]), number, int(about["every_ns"]), repeats),
            aperture=int(about["aperture_ns"]),
            values=variable.values[k],
            labels={label: column[k] for label, column in zip(labels, columns, strict=True)},
            source=about["source"],
        )
