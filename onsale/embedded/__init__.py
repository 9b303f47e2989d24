"""Real Redis and PostgreSQL servers out of PyPI wheels or PATH, owned by one data directory."""
