"""The co-simulation engine: signals, components, graph, clock, noise, recorder. It knows no physics."""
