"""Issuing tickets: signed codes, QR, PDF."""
