"""Finds the queries of the dashboard and of the rules, and reads as much PromQL as is needed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from prometheus_client.metrics import MetricWrapperBase

import gateway.draw.metrics
import gateway.origin.metrics

REPOSITORY = Path(__file__).parents[2]
DASHBOARDS = REPOSITORY / "dashboards"
DASHBOARD = DASHBOARDS / "sale_day.json"
RULES = DASHBOARDS / "rules" / "onsale.yml"

METRIC = re.compile(r"\bonsale_[a-z0-9_]+")
COMPARISON = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*(?:bool\s+)?[0-9.]+(?=\s|$)")
JOINED = re.compile(r"\s+and on \(\w+\)\s+")
HISTOGRAM_SERIES = re.compile(r"_(bucket|sum|count)$")
# Long enough for two scrapes of one second each, whatever the machine does meanwhile.
RATE_INTERVAL = "15s"


@dataclass(frozen=True)
class Query:
    """An expression, and where it stands."""

    where: str
    expr: str

    def __str__(self) -> str:
        return self.where


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return document


def panels() -> list[dict[str, Any]]:
    """Every panel that is not a row."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def panel_queries() -> list[Query]:
    return [
        Query(f"{panel['title']} {target['refId']}", target["expr"])
        for panel in panels()
        for target in panel["targets"]
    ]


def annotation_queries() -> list[Query]:
    return [
        Query(f"annotation {entry['name']}", entry["expr"])
        for entry in dashboard()["annotations"]["list"]
    ]


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def rule_queries() -> list[Query]:
    return [Query(rule["alert"], rule["expr"]) for rule in rules()]


def parts_of(rule: Query) -> Iterator[Query]:
    """What a rule compares, without the comparison: that must have data while all is well."""
    for number, condition in enumerate(JOINED.split(rule.expr)):
        assert COMPARISON.search(condition), f"{rule}: nothing is compared in {condition!r}"
        without = condition[: list(COMPARISON.finditer(condition))[-1].start()]
        yield Query(f"{rule.where} part {number + 1}", without)


def is_of_servers(query: Query) -> bool:
    """Whether it is about a shop over HTTP: the running system has the shop in the gateway."""
    return is_about(query, gateway.origin.metrics)


def is_of_draws(query: Query) -> bool:
    """Whether it is about a draw: the running system's sale is open from its beginning."""
    return is_about(query, gateway.draw.metrics)


def is_about(query: Query, metrics: ModuleType) -> bool:
    """Whether it asks for nothing but what a module counts."""
    about = vars(metrics).values()
    names = {metric._name for metric in about if isinstance(metric, MetricWrapperBase)}
    named = {name.removesuffix("_total") for name in metrics_in(query.expr)}
    return bool(named) and named <= names


def metrics_in(expr: str) -> set[str]:
    """The metrics an expression names, histograms by their own name."""
    return {HISTOGRAM_SERIES.sub("", name) for name in METRIC.findall(expr)}


def filled_in(expr: str) -> str:
    """The expression with the dashboard's variables replaced, as Grafana would send it."""
    replaced = (
        expr.replace("$__rate_interval", RATE_INTERVAL)
        .replace("$__interval", RATE_INTERVAL)
        .replace("$sale", ".+")
        .replace("$event", ".+")
    )
    assert "$" not in replaced, expr
    return replaced
