"""Instrument cores: an instrument's language, translated to the operations of its role, and nothing else."""
