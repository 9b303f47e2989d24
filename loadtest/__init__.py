"""Fans by the hundred: a Locust rehearsal of a sale, and a verdict on what it did to them."""
