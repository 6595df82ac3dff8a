"""Real instruments in the roles of `components.roles`; found by entry point (``kibble_twin.drivers``)."""
