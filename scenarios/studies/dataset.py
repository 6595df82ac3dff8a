"""The results of a sweep as an xarray dataset with named coordinates that bear their units."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.run.export import ENGINE, ROOM
from scenarios.run.output import OutputError, check_room
from scenarios.studies.axes import Axis
from scenarios.studies.journal import Row
from scenarios.studies.outputs import OUTPUTS
from scenarios.studies.study import Study

if TYPE_CHECKING:
    import xarray as xr


def dataset(study: Study, rows: Iterable[Row]) -> xr.Dataset:
    """The rows on the axes of their study.

    A variable for each output, NaN where there is none; beside them `error`, empty where nothing went wrong, and
    `scenario_hash`. An axis is a dimension with its values as coordinate; its further parameters are coordinates of the
    same dimension. Samples have the dimension `point`.
    """
    import xarray as xr

    shape = study.shape
    size = int(np.prod(shape, dtype=int))
    values = {name: np.full(size, np.nan) for name in study.outputs}
    errors, keys = np.full(size, "not computed", dtype=object), np.full(size, "", dtype=object)
    for row in rows:
        for name in study.outputs:
            values[name][row.number] = row.values.get(name, np.nan)
        errors[row.number], keys[row.number] = row.error, row.key
    dims = _dims(study)
    data: dict[str, Any] = {
        name: (dims, column.reshape(shape), {"units": OUTPUTS[name].unit, "long_name": OUTPUTS[name].description})
        for name, column in values.items()
    }
    data["error"] = (dims, errors.reshape(shape), {"long_name": "what went wrong"})
    data["scenario_hash"] = (dims, keys.reshape(shape), {"long_name": "SHA-256 of the resolved scenario"})
    return xr.Dataset(data, coords=_coordinates(study), attrs=attributes(study))


def _dims(study: Study) -> tuple[str, ...]:
    own = tuple(each.name for each in study.axes) if study.is_grid else ("point",)
    return ("variant", *own) if study.variants else own


def _coordinates(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if study.variants:
        found["variant"] = ("variant", np.array(list(study.variants), dtype=object))
    for i, each in enumerate(study.axes):
        rows = each.values if study.is_grid else [each.at(float(u)) for u in study.samples[:, i]]
        dim = each.name if study.is_grid else "point"
        found |= coordinate(each, dim, rows)
    return found


def coordinate(each: Axis, dim: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Coordinates of an axis, one for each of its parameters.

    Parameters
    ----------
    dim : the dimension that they are on.
    rows : values of all its parameters, one after the other.
    """
    found: dict[str, Any] = {}
    for column, path in enumerate(each.paths):
        name = each.name if column == 0 else f"{each.name}_{path.rpartition('.')[2]}"
        found[name] = (dim, _column([row[column] for row in rows]), _about(each, column))
    return found


def _about(each: Axis, column: int) -> dict[str, str]:
    unit = each.units[column]
    return {"long_name": each.paths[column], **({} if unit is None else {"units": unit})}


def _column(values: list[Any]) -> np.ndarray[Any, Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return np.array(values, dtype=float) if numbers else np.array([str(value) for value in values], dtype=object)


def attributes(study: Study) -> dict[str, Any]:
    """Where results come from: global attributes of their file."""
    made = version("kibble-twin")
    return {
        "title": f"Study {study.name}",
        "description": study.description,
        "source": f"kibble-twin {made}",
        "scenario_name": study.base.scenario.name,
        "scenario_hash": study.base.scenario.hash,
        "scenario": study.base.scenario.to_yaml(),
    }


def read_rows(path: Path) -> dict[str, Row]:
    """The rows of a sweep that has been written, by the hash of their scenario.

    Raises
    ------
    OutputError
        If the file holds no sweep.
    """
    import xarray as xr

    try:
        with xr.open_dataset(path, engine=ENGINE) as data:
            names = [str(name) for name in data.data_vars if name not in ("error", "scenario_hash")]
            keys, errors = (data[name].values.ravel() for name in ("scenario_hash", "error"))
            columns = {name: data[name].values.ravel() for name in names}
    except (OSError, KeyError, ValueError) as error:
        raise OutputError(f"{path} is no sweep of kibble-twin: {error}; move it away") from None
    rows = [
        Row(i, str(key), {} if error else {name: float(columns[name][i]) for name in names}, str(error))
        for i, (key, error) in enumerate(zip(keys, errors, strict=True))
    ]
    return {row.key: row for row in rows if row.key}


def write(found: xr.Dataset, path: Path) -> None:
    """Write a dataset to a netCDF file, in place of an older one only when it is complete.

    Raises
    ------
    OutputError
        If it cannot be written, such as on a full disk.
    """
    fresh = path.with_name(f".{path.name}.new")
    texts = sum(len(text) for each in found.variables.values() if each.dtype == object for text in each.values.ravel())
    try:
        check_room(path.parent, 2 * found.nbytes + 3 * texts + ROOM)
        found.to_netcdf(fresh, engine=ENGINE)
        os.replace(fresh, path)
    except (OSError, OutputError) as error:
        fresh.unlink(missing_ok=True)
        reason = str(error) if isinstance(error, OutputError) else (error.strerror or str(error)).lower()
        raise OutputError(f"{path}: {reason}; what was computed is kept beside it: go on with --resume") from error
