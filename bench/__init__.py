"""Every budget of the design, measured against a floor in the same run."""
