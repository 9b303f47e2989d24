"""One server of the shop: what is under way there, whether it is well, and what became of attempts."""

from typing import Final, Literal

import structlog
from yarl import URL

from gateway.origin import metrics
from gateway.origin.circuit import Circuit, CircuitState
from gateway.origin.settings import Origin
from groundwork.clock import Clock

log = structlog.get_logger()

FailureReason = Literal["connect", "silent", "broke_off", "bad_gateway"]
# The answers of a proxy that did not reach the shop behind it. A 503 is the shop's own word, and a
# 500 a mistake on one of its pages: neither says that the server should rest.
BAD_GATEWAY: Final = frozenset({502, 504})


class Upstream:
    """A server at one address."""

    def __init__(self, origin: Origin, address: str, circuit: Circuit, clock: Clock) -> None:
        self.origin = origin
        self.address = address
        self.circuit = circuit
        self.outstanding = 0
        self.is_healthy = True
        # Whether an answer could not be read since a check last read one.
        self.is_garbled = False
        self._clock = clock
        literal = f"[{address}]" if ":" in address else address
        at = f"{literal}:{origin.port}"
        self.base = f"{origin.scheme}://{at}"
        self.base_url = URL(self.base)
        # TLS proves the name that was configured, not the address it led to.
        self.server_hostname = origin.host if origin.scheme == "https" else None
        by_name = f"{origin.host}:{origin.port}"
        self.label = at if address == origin.host else f"{by_name} ({address})"
        self._seconds = metrics.ORIGIN_SECONDS.labels(self.label)
        self._outcomes = {
            outcome: metrics.ORIGIN_REQUESTS.labels(self.label, outcome)
            for outcome in metrics.OUTCOMES
        }
        self._failures = {
            reason: metrics.ORIGIN_FAILURES.labels(self.label, reason) for reason in metrics.REASONS
        }
        self._why = ""
        circuit.on_change = self._circuit_changed
        self.show()

    def begin(self) -> "Attempt":
        """Return a new attempt at having a request answered here."""
        return Attempt(self, self.circuit.begin())

    def checked(self, is_healthy: bool, why: str) -> None:
        """Take the word of the checks, and log it when it is another one than before."""
        if is_healthy != self.is_healthy:
            self.is_healthy = is_healthy
            if is_healthy:
                log.info("upstream healthy", upstream=self.label)
            else:
                log.warning("upstream unhealthy", upstream=self.label, why=why)

    def show(self) -> None:
        """Write down how it stands, for the dashboard."""
        metrics.ORIGIN_OUTSTANDING.labels(self.label).set(self.outstanding)
        metrics.ORIGIN_CIRCUIT.labels(self.label).set(self.circuit.look())
        metrics.ORIGIN_HEALTHY.labels(self.label).set(self.is_healthy)
        metrics.ORIGIN_GARBLED.labels(self.label).set(self.is_garbled)

    def forget(self) -> None:
        """Leave nothing on the dashboard that somebody could worry about."""
        metrics.ORIGIN_OUTSTANDING.labels(self.label).set(0)
        metrics.ORIGIN_CIRCUIT.labels(self.label).set(metrics.CIRCUIT_GONE)
        metrics.ORIGIN_HEALTHY.labels(self.label).set(1)
        metrics.ORIGIN_GARBLED.labels(self.label).set(0)

    def answered(self, turn: int, seconds: float) -> None:
        """Note an answer."""
        self._seconds.observe(seconds)
        self._outcomes["answered"].inc()
        self.circuit.succeeded(turn)

    def failed(self, turn: int, reason: FailureReason) -> None:
        """Note a failure."""
        self._why = reason
        self._outcomes["failed"].inc()
        self._failures[reason].inc()
        self.circuit.failed(turn)

    def garbled(self, turn: int) -> None:
        """Note an answer that cannot be read.

        Who asks may bring one about, and must not be able to close the shop with it: the circuit does
        not count it. Checks find out whether the server answers anything else.
        """
        self.is_garbled = True
        self._outcomes["failed"].inc()
        self._failures["garbled"].inc()
        self.circuit.abandoned(turn)

    def abandoned(self, turn: int) -> None:
        """Note an attempt nothing was learned from."""
        self._outcomes["abandoned"].inc()
        self.circuit.abandoned(turn)

    def now_ms(self) -> float:
        """Return a reading to measure attempts with."""
        return self._clock.monotonic_ms()

    def _circuit_changed(self, state: CircuitState) -> None:
        metrics.ORIGIN_CIRCUIT.labels(self.label).set(state)
        if state is CircuitState.OPEN:
            log.warning("upstream circuit open", upstream=self.label, why=self._why)
        elif state is CircuitState.CLOSED:
            log.info("upstream circuit closed", upstream=self.label)


class Attempt:
    """One request at one upstream, judged at most once and ended exactly once."""

    __slots__ = ("_began_ms", "_is_judged", "_turn", "upstream")

    def __init__(self, upstream: Upstream, turn: int) -> None:
        self.upstream = upstream
        self._turn = turn
        self._is_judged = False
        self._began_ms = upstream.now_ms()
        upstream.outstanding += 1

    def answered(self, status: int) -> None:
        """Judge it by its answer's head."""
        if status in BAD_GATEWAY:
            self.failed("bad_gateway")
            return
        self._is_judged = True
        self.upstream.answered(self._turn, (self.upstream.now_ms() - self._began_ms) / 1000)

    def failed(self, reason: FailureReason) -> None:
        """Judge it as failed; an answer that breaks off is one that had begun well."""
        self._is_judged = True
        self.upstream.failed(self._turn, reason)

    def garbled(self) -> None:
        """Judge it by an answer that cannot be read: neither good nor, for the circuit, bad."""
        self._is_judged = True
        self.upstream.garbled(self._turn)

    def end(self) -> None:
        """Count it as over."""
        self.upstream.outstanding -= 1
        assert self.upstream.outstanding >= 0, "an attempt ends once"
        if not self._is_judged:
            self.upstream.abandoned(self._turn)
