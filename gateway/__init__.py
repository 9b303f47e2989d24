"""The front tier: everything a fan meets before the shop. Useful in front of any shop."""
