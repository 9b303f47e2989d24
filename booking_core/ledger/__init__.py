"""The record of sales: claims, the outbox, the reconciler, recovery after a Redis loss."""
