"""The dashboard and the alert rules, as far as that is known without a running system."""

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

import booking_core.metrics
import gateway.draw.metrics
import gateway.metrics
import gateway.origin.metrics
import groundwork.metrics
from tests.operators.promql import (
    DASHBOARDS,
    METRIC,
    REPOSITORY,
    RULES,
    Query,
    annotation_queries,
    dashboard,
    metrics_in,
    panel_queries,
    panels,
    parts_of,
    rule_queries,
    rules,
)

ALL_QUERIES = [*panel_queries(), *annotation_queries(), *rule_queries()]
# Grafana's names for what our panels show; a misspelt unit is shown as text behind the number.
UNITS = {"short", "none", "s", "cps", "cpm", "ops", "reqps", "percentunit"}
RUNBOOKS = REPOSITORY / "docs" / "runbooks.md"


def described(metric: MetricWrapperBase) -> Metric:
    return next(iter(metric.describe()))


def known_metrics() -> dict[str, MetricWrapperBase]:
    modules = (
        groundwork.metrics,
        gateway.draw.metrics,
        gateway.metrics,
        gateway.origin.metrics,
        booking_core.metrics,
    )
    return {
        described(metric).name: metric
        for module in modules
        for metric in vars(module).values()
        if isinstance(metric, MetricWrapperBase)
    }


def test_the_dashboard_is_what_the_script_builds() -> None:
    command = [sys.executable, "-m", "dashboards.build", "--check"]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0, (
        "run `python -m dashboards.build` and commit dashboards/sale_day.json"
    )


def test_the_dashboard_cannot_be_edited_and_keeps_its_address() -> None:
    document = dashboard()
    assert document["editable"] is False
    assert document["uid"] == "onsale-sale-day"
    assert document["title"] == "Sale day"
    assert document["schemaVersion"] == 42
    names = [variable["name"] for variable in document["templating"]["list"]]
    assert names == ["datasource", "sale", "event"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith((".", ":"))
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"] or panel["type"] == "stat"


def test_panels_have_titles_and_places_of_their_own() -> None:
    titles = [(panel["title"], panel["type"]) for panel in panels()]
    assert len(titles) == len(set(titles))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells


@pytest.mark.parametrize("query", panel_queries(), ids=str)
def test_rates_follow_the_zoom(query: Query) -> None:
    expr = query.expr
    assert not re.search(r"\brate\([^)]*\[(?!\$__rate_interval)", expr)
    assert "irate(" not in expr


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_every_metric_exists_and_is_read_as_what_it_is(query: Query) -> None:
    known = known_metrics()
    expr = query.expr
    for name in metrics_in(expr):
        base = name.removesuffix("_total")
        assert base in known, f"{name} is not declared in any metrics module"
        is_counter = described(known[base]).type == "counter"
        assert is_counter == name.endswith("_total"), name
        if is_counter:
            followed = re.search(rf"(rate|increase|changes)\({name}|sum\({name}", expr)
            assert followed, f"{name} is a counter: read its rate"


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_every_label_exists(query: Query) -> None:
    known = known_metrics()
    expr = query.expr
    for name, matchers in re.findall(r"(onsale_[a-z0-9_]+)\{([^}]*)\}", expr):
        (base,) = (metric.removesuffix("_total") for metric in metrics_in(name))
        labels = set(known[base]._labelnames) | {"le"}
        assert set(re.findall(r"(\w+)\s*=~?", matchers)) <= labels, f"{name}{{{matchers}}}"


def test_every_metric_is_shown_somewhere() -> None:
    shown = {
        name.removesuffix("_total") for query in ALL_QUERIES for name in metrics_in(query.expr)
    }
    # The sweeper's rounds say nothing to an operator that the holds it freed do not say.
    assert set(known_metrics()) - shown == {"onsale_sweeps"}


def test_the_test_of_the_metrics_sees_a_wrong_one() -> None:
    assert metrics_in("rate(onsale_nonsense_total[1m])") - set(known_metrics())
    assert METRIC.findall("histogram_quantile(0.9, onsale_hold_seconds_bucket)")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert REPOSITORY / path == RUNBOOKS
    assert anchor == rule["alert"].lower()
    sections = RUNBOOKS.read_text("utf-8").split("\n## ")[1:]
    (section,) = [text for text in sections if text.splitlines()[0] == rule["alert"]]
    for part in ("**Means.**", "**Look at.**", "**Do.**"):
        assert part in section


def test_no_runbook_is_for_an_alert_that_is_gone() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOKS.read_text("utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(rule["alert"] for rule in rules())


@pytest.mark.parametrize("rule", rule_queries(), ids=str)
def test_a_rule_compares_something(rule: Query) -> None:
    assert list(parts_of(rule))


def test_grafana_is_told_where_everything_is() -> None:
    folder = DASHBOARDS / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((folder / "dashboards" / "onsale.yml").read_text())["providers"]
    assert source["type"] == "prometheus"
    assert provider["allowUiUpdates"] is False
    scraped = yaml.safe_load((DASHBOARDS / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    assert (DASHBOARDS / scraped["rule_files"][0]) == RULES
