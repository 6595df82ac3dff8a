"""The parts of a Kibble balance and its instruments, simulated, and the roles that campaigns ask for. No experiment
here."""
