"""A budget for retries: an outage must not be asked twice as often as a healthy shop."""

from typing import Final

# Retries add at most a fifth to the load: enough for one upstream of five that dies.
SHARE: Final = 0.2
# Saved up while all is well: as many requests as a process may have under way at an upstream that
# is killed, all of which want their retry at the same moment.
SAVED_MAX: Final = 512.0


class RetryBudget:
    """Every request saves a share of a retry; a retry spends a whole one."""

    def __init__(self, share: float = SHARE, saved_max: float = SAVED_MAX) -> None:
        self._share = share
        self._saved_max = saved_max
        self._saved = saved_max

    def save(self) -> None:
        """Note a request's first attempt."""
        if self._saved < self._saved_max:
            self._saved = min(self._saved_max, self._saved + self._share)

    def spend(self) -> bool:
        """Return whether a retry may be made, and take it from what is saved."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
