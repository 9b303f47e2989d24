"""Events, price tiers, seat plans and their import, search."""
