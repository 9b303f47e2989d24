"""A panel as the operator thinks of it, and the Grafana JSON it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Grafana's own: a dashboard is 24 columns wide.
COLUMNS = 24
HEIGHT_OF_STAT = 4
HEIGHT_OF_GRAPH = 8

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED = "green", "#EAB839", "red"


@dataclass(frozen=True)
class Query:
    """A PromQL expression and how its series are called in the legend."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One number or one graph. `warn` and `bad` are where it turns yellow and red."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    kind: str = "timeseries"
    width: int = 8
    warn: float | None = None
    bad: float | None = None
    stacked: bool = False
    decimals: int | None = None

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return HEIGHT_OF_STAT if self.kind == "stat" else HEIGHT_OF_GRAPH

    def to_json(self, panel_id: int, x: int, y: int) -> dict[str, Any]:
        """Return the classic panel model at its place in the grid."""
        return {
            "id": panel_id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [
                {
                    "datasource": DATASOURCE,
                    "editorMode": "code",
                    "expr": query.expr,
                    "legendFormat": query.legend,
                    "range": True,
                    "refId": "ABCDEFGHIJ"[number],
                }
                for number, query in enumerate(self.queries)
            ],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
        }

    def _defaults(self) -> dict[str, Any]:
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "min": 0,
            "thresholds": {"mode": "absolute", "steps": self._steps()},
            "color": {"mode": "thresholds" if self.kind == "stat" else "palette-classic"},
        }
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.kind == "timeseries":
            has_limits = self.warn is not None or self.bad is not None
            defaults["custom"] = {
                "drawStyle": "line",
                "lineWidth": 2,
                "fillOpacity": 25 if self.stacked else 8,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
                "thresholdsStyle": {"mode": "dashed" if has_limits else "off"},
            }
        return defaults

    def _steps(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = [{"color": GREEN, "value": None}]
        if self.warn is not None:
            steps.append({"color": YELLOW, "value": self.warn})
        if self.bad is not None:
            steps.append({"color": RED, "value": self.bad})
        return steps

    def _options(self) -> dict[str, Any]:
        if self.kind == "stat":
            return {
                "colorMode": "background" if self.bad is not None else "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "orientation": "auto",
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "textMode": "auto",
            }
        return {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


def stat(title: str, description: str, unit: str, expr: str, **more: Any) -> Panel:
    """Return one big number."""
    return Panel(title, description, unit, [Query(expr, "")], "stat", **{"width": 4, **more})


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: tuple[str, str],
    **more: Any,
) -> Panel:
    """Return a graph over time of (expression, legend) pairs."""
    return Panel(title, description, unit, [Query(*query) for query in queries], **more)


def per_second(metric: str, by: str, where: str = "") -> str:
    """Return the expression for a counter's rate, summed by labels over processes and machines."""
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """Return the expression for a quantile of a histogram in seconds (or what it counts)."""
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels}) (rate({histogram}_bucket{where}[$__rate_interval]))"
    return f"histogram_quantile({share}, {buckets})"


def newest(gauge: str, by: str, where: str) -> str:
    """Return the expression for a gauge that one worker writes: never summed over machines."""
    return f"max by ({by}) ({gauge}{where})"
