"""Join, places in line, pacing, the status board, live updates, admission passes."""
