"""What both tiers stand on: clock, tokens, errors, Redis and PostgreSQL access, metrics, health, logging."""
