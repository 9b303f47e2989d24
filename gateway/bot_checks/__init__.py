"""Proof of work and device keys: what a join must show."""
