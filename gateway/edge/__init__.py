"""What every request passes: client address, request id, limits, security headers, admission gate."""
