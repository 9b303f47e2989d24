"""The shop: its own aiohttp application, runnable alone."""
