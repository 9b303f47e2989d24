"""Rehearse a sale: `locust -f loadtest/locustfile.py --host http://127.0.0.1:8080`."""

import json
import logging
import random
import sys
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.evidence import Places, collect, read_intents
from loadtest.fan import Fan, Rehearsal
from loadtest.history import History
from loadtest.run_file import fill_in
from loadtest.verdict import Verdict, judge, table

# What a fan was promised, in milliseconds at the 99th percentile; reported, never a failure: the
# load generator itself may be what is slow.
BUDGETS_MS = {
    "/api/sales/[sale]/status": 50,
    "/api/sales/[sale]/join": 500,
    "/api/events/search": 200,
    "/api/events/[event]/seats": 200,
    "/api/bookings/reserve": 500,
    "/api/bookings/complete": 500,
}
EXIT_CODE_BROKEN = 3  # locust's own are 1 and 2

log = logging.getLogger("onsale.rehearsal")


class Run:
    """The one run of this process: its history, and in the end its verdict."""

    def __init__(self) -> None:
        self.history = History()
        self.known_before: frozenset[str] = frozenset()
        self.attempts_of: dict[str, set[str]] = {}
        self.verdict: Verdict | None = None


run = Run()


class PatientFan(FastHttpUser):
    """A place for one fan at a time: when one has bought or given up, the next one comes."""

    wait_time = constant(0)
    network_timeout = 30.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Read what the run was asked for."""
        options = self.environment.parsed_options
        self.rehearsal = Rehearsal(
            base_url=str(self.host).rstrip("/"),
            sale_id=options.sale,
            history=run.history,
            rng=random.Random(),
            think=options.think,
            note_wait=self._note_wait,
        )

    @task
    def be_a_fan(self) -> None:
        """Live one fan's life."""
        Fan(self.client, self.rehearsal).live()

    def _note_wait(self, seconds: float) -> None:
        self.environment.events.request.fire(
            request_type="WAIT",
            name="from joining to being called",
            response_time=seconds * 1000,
            response_length=0,
            exception=None,
            context={},
        )


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: LocustArgumentParser) -> None:
    """Offer what only this rehearsal knows; each also comes from the environment."""
    parser.add_argument("--sale", default="demo", env_var="ONSALE_SALE", help="Sale to rehearse")
    parser.add_argument(
        "--think", type=float, default=1.0, help="Scale of the fans' pauses; 0 for none"
    )
    parser.add_argument("--verdict-file", default="", help="Write the verdict there, as JSON")
    parser.add_argument(
        "--run-file",
        default=".onsale/run.json",
        env_var="ONSALE_RUN_FILE",
        help="What `onsale up` wrote about itself: the addresses below, when they are not given",
    )
    parser.add_argument(
        "--operator-url", default="", env_var="ONSALE_OPERATOR_URL", help="Operator listener"
    )
    parser.add_argument(
        "--provider-url", default="", env_var="ONSALE_PROVIDER_URL", help="Practice provider"
    )
    parser.add_argument(
        "--provider-key",
        default="",
        env_var="PAYMENTS_SECRET_KEY",
        is_secret=True,
        help="Secret key of the practice provider",
    )
    parser.add_argument(
        "--strict", action="store_true", help="503 breaks a promise, too: nothing may be away"
    )


def places_of(environment: Environment) -> Places:
    """Return where this run asks."""
    options: Any = environment.parsed_options
    named = Places(
        base_url=str(environment.host).rstrip("/"),
        operator_url=options.operator_url.rstrip("/"),
        provider_url=options.provider_url.rstrip("/"),
        provider_key=options.provider_key,
    )
    return fill_in(named, Path(options.run_file))


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """Forget the run before, and note which payments are not of this one."""
    run.history = History()
    run.verdict = None
    if not isinstance(environment.runner, WorkerRunner):
        places = places_of(environment)
        intents = read_intents(places, frozenset()) if places.provider_url else None
        run.known_before = frozenset(intent.intent_id for intent in intents or ())


@events.report_to_master.add_listener  # type: ignore[untyped-decorator]
def send_history(data: dict[str, Any], **_: object) -> None:
    """Let a worker's history travel with its statistics."""
    data["history"] = run.history.take()


@events.worker_report.add_listener  # type: ignore[untyped-decorator]
def take_history(client_id: str, data: dict[str, Any], **_: object) -> None:
    """Add what a worker's fans saw."""
    before = run.attempts_of.get(client_id, set())
    run.attempts_of[client_id] = run.history.merge(data["history"], before)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def end(environment: Environment, **_: object) -> None:
    """Judge the run; a worker leaves that to its master."""
    if isinstance(environment.runner, WorkerRunner):
        return
    log.info("Fans are gone; asking the shop and the provider what they know")
    options: Any = environment.parsed_options
    evidence = collect(run.history, places_of(environment), run.known_before)
    run.verdict = judge(run.history, evidence, strict=options.strict)
    environment.process_exit_code = 0 if run.verdict.is_clean else EXIT_CODE_BROKEN
    if options.verdict_file:
        text = json.dumps(run.verdict.to_json(), indent=2)
        Path(options.verdict_file).write_text(text + "\n", "utf-8")
    sys.stdout.write(table(run.verdict, budget_lines(environment)))
    sys.stdout.flush()


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def stop_first(environment: Environment, **_: object) -> None:
    """Interrupted, locust fixes its exit code before it stops: stop now, so that we are heard."""
    if run.verdict is None and environment.runner is not None:
        environment.runner.stop()


def budget_lines(environment: Environment) -> list[str]:
    """Return one line per promise about time: what was met, at which percentile."""
    lines = [f"{'call':<28}{'count':>8}{'p50 ms':>9}{'p99 ms':>9}{'budget':>9}"]
    for (name, _method), entry in sorted(environment.stats.entries.items()):
        budget_ms = BUDGETS_MS.get(name)
        if budget_ms is None or not entry.num_requests:
            continue
        p50_ms = entry.get_response_time_percentile(0.5)
        p99_ms = entry.get_response_time_percentile(0.99)
        word = "" if p99_ms <= budget_ms else "  over"
        lines.append(
            f"{name:<28}{entry.num_requests:>8}{p50_ms:>9.0f}{p99_ms:>9.0f}{budget_ms:>9}{word}"
        )
    return lines
