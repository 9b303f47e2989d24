"""The published description of the API: one document for both tiers."""
