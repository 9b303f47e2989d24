"""What must be true of every run, read from its history alone; nothing here knows how the shop works."""
