"""Every query of the dashboard and of the rules, asked of a Prometheus that watched a sale."""

import math
from typing import Any
from urllib.parse import urlencode

import pytest

from loadtest.evidence import ask
from tests.operators.promql import (
    Query,
    annotation_queries,
    filled_in,
    is_of_draws,
    is_of_servers,
    panel_queries,
    parts_of,
    rule_queries,
)
from tests.operators.test_promtool import promtool
from tests.running_system import Rehearsed, RunningSystem

pytestmark = pytest.mark.timeout(300)

# Marks of what did not happen; a healthy run must not have them.
EMPTY_WHEN_ALL_IS_WELL = {
    "annotation Redis rebuilt": "no store was lost",
}
# Marks of what may or may not have happened while the test looked.
EMPTY_OR_NOT = {
    "annotation Admission rate changed": "set once at the start, perhaps before the first scrape",
}
# Panels that may show 0 for the whole of a good sale; all others must move, or nobody counts there.
NOBODY_WAITED = "twenty fans a second are called: eight do not wait from one look to the next"
ZERO_WHEN_ALL_IS_WELL = {
    "Connections B": "nobody keeps a connection waiting",
    "Waiting pages B": "every reader takes what is sent",
    "Made good to fans A": "nobody is failed",
    "Made good to fans B": "nobody is failed",
    "Made good to fans C": "nothing was down",
    "Fans waiting A": NOBODY_WAITED,
    "Waiting and inside A": NOBODY_WAITED,
    "Wait of who joins now A": NOBODY_WAITED,
    "At the turnstile A": "tokens flow in faster than so few fans come",
    "Oversold A": "nothing is ever oversold",
    "Holds that lost A": "few fans among five thousand seats seldom want the same one",
    "Holds B": "who wants none that are gone is offered no others",
    "Holds given back A": "one fan in twelve lets go: in a few holds perhaps none",
    "Holds given back B": "a hold lasts minutes, this sale does not",
    "Orders unsettled A": "no payment is past its deadline",
    "Oldest in the outbox A": "entries are worked at once",
    "Outbox open A": "entries are worked at once",
    "Outbox open and its oldest entry A": "entries are worked at once",
    "Outbox open and its oldest entry B": "entries are worked at once",
    "Tickets by mail A": "mails are written to files at once",
    "Tickets by mail B": "none waits for a quarter of an hour",
    "Tickets by mail C": "in a few bookings perhaps nobody gives an address",
    "Oldest mail waiting A": "mails are written to files at once",
    "Ledger behind by A": "the reconciler keeps up",
    "Reconciler A": "the reconciler keeps up",
    "Gaps in the hold log A": "no log lost anything",
    "Audit findings A": "everything agrees",
    "Audits A": "the worker audits once a minute, and first when it starts",
    "Audits B": "everything agrees",
    "Audits C": "nothing is to be put right",
    "Payment refusals A": "one card in ten is declined: in a few bookings perhaps none",
    "Limits A": "few fans ask, and from this machine, where nobody counts",
    "Signals A": "nothing speaks for a program that says it is one",
    "Bot checks B": "nobody has an access code",
    "Waits as told A": "nobody waits half a minute, so that no range is told",
    "Joins B": "nobody goes on elsewhere",
    "No-shows A": "every fan who is called comes",
    "Failing answers A": "no answer fails",
    "Failing answers per second A": "no answer fails",
    "Stores that did not answer A": "both stores answer",
    "Recoveries in the last hour A": "no store was lost",
}


def is_here(query: Query) -> bool:
    """Servers of a shop are asked about in test_servers_of_the_shop.py, draws in tests/draw."""
    return not is_of_servers(query) and not is_of_draws(query)


PANELS = [query for query in panel_queries() if is_here(query)]
PARTS = [part for rule in rule_queries() if is_here(rule) for part in parts_of(rule)]


def evaluate(prometheus: str, expr: str, rehearsed: Rehearsed) -> list[dict[str, Any]]:
    """The series with at least one finite value during the load."""
    query = urlencode(
        {
            "query": filled_in(expr),
            "start": rehearsed.began_at,
            "end": rehearsed.ended_at,
            "step": 1,
        }
    )
    status, body = ask(f"{prometheus}/api/v1/query_range?{query}")
    assert status == 200, f"{expr}: {body}"
    return [
        series
        for series in body["data"]["result"]
        if any(math.isfinite(float(value)) for _, value in series["values"])
    ]


@pytest.mark.parametrize("query", [*PANELS, *PARTS], ids=str)
def test_every_query_has_data(prometheus: str, rehearsed: Rehearsed, query: Query) -> None:
    assert evaluate(prometheus, query.expr, rehearsed), query.expr


@pytest.mark.parametrize("query", PANELS, ids=str)
def test_every_panel_shows_life(prometheus: str, rehearsed: Rehearsed, query: Query) -> None:
    series = evaluate(prometheus, query.expr, rehearsed)
    values = [float(value) for one in series for _, value in one["values"]]
    is_alive = any(value > 0 for value in values if math.isfinite(value))
    assert is_alive or query.where in ZERO_WHEN_ALL_IS_WELL, f"{query.expr} never rose above 0"


def test_no_excuse_is_for_a_panel_that_is_gone() -> None:
    assert ZERO_WHEN_ALL_IS_WELL.keys() <= {query.where for query in panel_queries()}


@pytest.mark.parametrize("query", annotation_queries(), ids=str)
def test_every_mark_is_valid(prometheus: str, rehearsed: Rehearsed, query: Query) -> None:
    found = evaluate(prometheus, query.expr, rehearsed)
    if query.where in EMPTY_OR_NOT:
        return
    if query.where in EMPTY_WHEN_ALL_IS_WELL:
        assert not found
    else:
        assert found


def test_the_rules_are_loaded_and_none_fails(prometheus: str, rehearsed: Rehearsed) -> None:
    assert rehearsed.verdict["clean"]
    status, body = ask(f"{prometheus}/api/v1/rules")
    assert status == 200
    seen = [rule for group in body["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in seen} == {rule.where for rule in rule_queries()}
    assert [rule for rule in seen if rule["health"] != "ok"] == []


def test_nothing_rang_in_a_healthy_sale(prometheus: str, rehearsed: Rehearsed) -> None:
    fired = evaluate(prometheus, 'ALERTS{alertstate="firing"}', rehearsed)
    assert [series["metric"]["alertname"] for series in fired] == []


def test_the_variables_of_the_dashboard_offer_something(
    prometheus: str, rehearsed: Rehearsed
) -> None:
    assert rehearsed.verdict["clean"]
    sales = ask(f"{prometheus}/api/v1/label/sale/values")[1]["data"]
    events = ask(f"{prometheus}/api/v1/label/event/values")[1]["data"]
    # Other tests of the same running system made theirs beside.
    assert "demo" in sales
    assert {"demo-arena", "demo-drop"} <= set(events)


def test_what_is_scraped_pleases_promtool(running: RunningSystem, rehearsed: Rehearsed) -> None:
    assert rehearsed.verdict["clean"]
    status, text = ask(f"{running.operator_url}/metrics")
    assert status == 200
    checked = promtool("check", "metrics", text=str(text))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_test_of_the_queries_sees_an_empty_one(prometheus: str, rehearsed: Rehearsed) -> None:
    assert evaluate(prometheus, "onsale_nonsense_total", rehearsed) == []
