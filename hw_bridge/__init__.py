"""Reality: real instruments in the place of simulated ones, and simulated ones on the wire.

The uppermost of the four packages: it imports `scenarios`, `components` and `twin`, and nothing imports it. Simulated
instruments are served by `server` (``kibble-twin serve``): `served` makes a scenario's twin into instruments, `cores`
have their languages, `transports` the ways in, `session` and `gate` stand between. Real ones are run by `bridge`, found
through the entry-point group ``kibble_twin.bridges``: `drivers` (``kibble_twin.drivers``) have their languages,
`boundary` says what may be real beside what, `watchdog` ends what does not end, `commission` tries them first.
"""
