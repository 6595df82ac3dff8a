"""Transports: how bytes get from a client to an instrument's session and back."""
