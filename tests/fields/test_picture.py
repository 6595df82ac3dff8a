"""Pictures: parts where they are, named axes with units, refused formats."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.fields.catalogue import KBMINI, SMALL_MAGNET
from components.fields.picture import _parts, draw


def texts(path: Path) -> str:
    """What is written in an SVG, where matplotlib keeps each text as a comment beside its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    found = ElementTree.parse(path, parser).iter()
    return "\n".join(str(item.text) for item in found if not isinstance(item.tag, str))


def test_the_parts_are_where_they_are() -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    _parts(axes, KBMINI)
    boxes = {tuple(round(x, 6) for x in patch.get_bbox().extents) for patch in axes.patches if hasattr(patch, "get_xy")}
    assert (10.0, -20.0, 49.0, 20.0) in boxes  # inner yoke
    assert (51.9, -15.0, 58.6, 15.0) in boxes  # coil
    assert len(boxes) == len(KBMINI.parts()) + 1


def test_the_axes_have_units_and_the_parts_a_key(tmp_path: Path) -> None:
    path = tmp_path / "magnet.svg"
    draw(SMALL_MAGNET, path)
    written = texts(path)
    for text in ("r / mm", "z / mm", "radial flux density, inward / T", "magnet (NdFeB)", "coil (copper)"):
        assert text in written
    assert "small_magnet" in written


def test_the_geometry_alone_is_not_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.fields.picture.magnet_model", None)
    draw(KBMINI, tmp_path / "magnet.png", field=False)
    assert (tmp_path / "magnet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["magnet.foo", "magnet"])
def test_an_unknown_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"expected a picture format as suffix \(.*png.*\)"):
        draw(KBMINI, tmp_path / name)
