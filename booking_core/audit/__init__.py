"""The auditor: whether PostgreSQL, Redis and the payment provider say the same of seats and money."""
