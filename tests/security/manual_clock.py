"""A clock that stands still until it is told to move."""


class ManualClock:
    def __init__(self) -> None:
        self.at_ms = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_ms(self) -> float:
        return float(self.at_ms)

    async def sleep_ms(self, duration_ms: float) -> None:
        self.at_ms += int(duration_ms)
