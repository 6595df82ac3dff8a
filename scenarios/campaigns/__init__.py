"""Campaigns: one scheme a file, each a list of steps that speak to roles only."""
