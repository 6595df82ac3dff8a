"""Reality: real instruments in the place of simulated ones, and simulated ones on the wire.

The uppermost of the four packages: it imports `scenarios`, `components` and `twin`, and nothing imports it. Drivers are
found at run time through the entry-point group ``kibble_twin.drivers``, and what runs a campaign with them through
``kibble_twin.bridges``.
"""
