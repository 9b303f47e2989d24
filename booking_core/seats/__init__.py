"""Holds, best available, stock without seats, the seat map and its live changes, the sweeper."""
