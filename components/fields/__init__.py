"""Fields from geometry: axisymmetric finite elements for magnetostatics and heat, behind the parts of the balance.

Coordinates are r (radial) and z (up), with z = 0 in the magnet's symmetry plane; everything is in SI units.
"""
