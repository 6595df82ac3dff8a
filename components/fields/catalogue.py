"""Magnets of the papers, as data.

The papers leave dimensions out; `Geometry.inferred` names those that were inferred from printed masses, diameters, gap
sizes and wires, and are not truth. NIST-4 has two sets. Its heat needs the iron's masses right, so that set fits the
total mass (865 kg with coil) with a plain bore; its field needs the rings and caps right, and gives the better gap
field. No single set of the printed figures does both.
"""

from __future__ import annotations

from components.fields.geometry import CoilSection, Geometry

KBMINI = Geometry(
    name="kbmini",
    outer_radius=75e-3,
    height=135e-3,
    bore=10e-3,
    gap=(49e-3, 60e-3),
    gap_height=40e-3,
    ring=(10e-3, 45e-3),
    ring_height=20e-3,
    chamber_radius=60e-3,
    compensation_width=0.3e-3,
    compensation_height=4e-3,
    coil=CoilSection(mean_radius=55.25e-3, radial_width=6.7e-3, height=30e-3, turns=7000, fill=0.615),
    ring_material="NdFeB",
    inferred=frozenset({"bore", "chamber_radius", "coil.radial_width", "coil.fill"}),
    source="Li2026, sec. 3.1",
)

BIPM = Geometry(
    name="bipm",
    outer_radius=175e-3,
    height=222e-3,
    gap=(118.5e-3, 131.5e-3),
    gap_height=82e-3,
    ring=(20e-3, 105e-3),
    ring_height=25e-3,
    chamber_radius=131.5e-3,
    coil=CoilSection(mean_radius=125e-3, radial_width=10e-3, height=20e-3, turns=1057),
    inferred=frozenset(
        {"outer_radius", "height", "bore", "ring.0", "ring.1", "ring_height", "chamber_radius", "coil.radial_width"}
        | {"coil.height"}
    ),
    source="Li2021: gap 13 mm wide and 82 mm high, mean radius 125 mm, 1057 turns",
)

NIST4 = Geometry(
    name="nist4",
    outer_radius=300e-3,
    height=400e-3,
    bore=50e-3,
    gap=(202.5e-3, 232.5e-3),
    gap_height=150e-3,
    ring=(53e-3, 195e-3),
    ring_height=50e-3,
    chamber_radius=240e-3,
    coil=CoilSection(mean_radius=217.5e-3, radial_width=8e-3, height=34e-3, turns=928),
    weighing_current=7.8e-3,
    inferred=frozenset(
        {"height", "bore", "ring.0", "ring.1", "ring_height", "chamber_radius", "coil.radial_width", "coil.height"}
    ),
    source="Seifert2014: outer diameter 600 mm, gap 3 cm by 15 cm, Sm2Co17 with 1.08 T; the magnetic set",
)

NIST4_THERMAL = Geometry(
    name="nist4_thermal",
    outer_radius=300e-3,
    height=440e-3,
    bore=50e-3,
    gap=(202.5e-3, 232.5e-3),
    gap_height=150e-3,
    ring=(50e-3, 195e-3),
    ring_height=49e-3,
    chamber_radius=240e-3,
    coil=CoilSection(mean_radius=217.5e-3, radial_width=13e-3, height=34e-3, turns=928, fill=0.935),
    inferred=frozenset(
        {"height", "bore", "ring.0", "ring.1", "ring_height", "chamber_radius", "coil.radial_width", "coil.height"}
        | {"coil.fill"}
    ),
    source="Seifert2014, Liu2025: outer diameter 600 mm, rings of 91 kg, 850 kg in all; the thermal set. The fill is "
    "calibrated: it makes the temperature swing at p = 1, 5.5 mW and 10 W/(m² K) the 6.0 µK of Liu2025",
)

TSINGHUA = Geometry(
    name="tsinghua",
    outer_radius=110e-3,
    height=180e-3,
    gap=(77.5e-3, 92.5e-3),
    gap_height=50e-3,
    ring=(20e-3, 70e-3),
    ring_height=25e-3,
    chamber_radius=92.5e-3,
    coil=CoilSection(mean_radius=85e-3, radial_width=8e-3, height=15e-3, turns=1269),
    weighing_current=12.5e-3,
    yoke_material="iron_10000",
    ring_material="NdFeB",
    inferred=frozenset(
        {"gap.0", "gap.1", "gap_height", "ring.0", "ring.1", "ring_height", "chamber_radius", "bore"}
        | {"coil.radial_width", "coil.height", "coil.turns"}
    ),
    source="Ma2025: outer radius 110 mm, height 180 mm, coil mean radius 85 mm, relative permeability 10 000. The "
    "gap's mean radius is taken as the coil's, 85 mm; 80 mm, which NIST-4 scaled by 11/30 has, is as likely. "
    "Turns: 400 T m (Liu2025) over 0.59 T and 2π times 85 mm",
)

SMALL_MAGNET = Geometry(
    name="small_magnet",
    outer_radius=20e-3,
    height=42e-3,
    bore=3e-3,
    gap=(10.25e-3, 14.75e-3),
    gap_height=20e-3,
    ring=(3e-3, 9.5e-3),
    ring_height=5e-3,
    chamber_radius=15.5e-3,
    coil=CoilSection(mean_radius=12.5e-3, radial_width=2e-3, height=8.5e-3, turns=500, windings=2, fill=0.46),
    weighing_current=80e-3,
    ring_material="NdFeB",
    inferred=frozenset(
        {"bore", "gap.0", "gap.1", "gap_height", "ring.0", "ring.1", "ring_height", "chamber_radius"}
        | {"coil.radial_width", "coil.height", "coil.fill"}
    ),
    source="Liu2025, sec. 4: 40 mm by 42 mm, 295 g, mean radius 12.5 mm, 500 + 500 turns of 0.10 mm wire",
)

CATALOGUE: dict[str, Geometry] = {
    geometry.name: geometry for geometry in (KBMINI, BIPM, NIST4, NIST4_THERMAL, TSINGHUA, SMALL_MAGNET)
}
"""The magnets by name."""
