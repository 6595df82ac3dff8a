"""Commands of the command line that reach beyond the simulation."""
