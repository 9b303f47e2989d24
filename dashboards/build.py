"""Write sale_day.json: `python -m dashboards.build`; --check only says whether it is current."""

import json
import sys
from pathlib import Path
from typing import Any

from dashboards.origin_panels import SERVERS
from dashboards.panel import COLUMNS, DATASOURCE, Panel
from dashboards.panels import SHOP, WAITING_ROOM
from dashboards.system_panels import MONEY, SYSTEM

TARGET = Path(__file__).with_name("sale_day.json")
ROWS = {
    "Waiting room": WAITING_ROOM,
    "Shop": SHOP,
    "Servers of the shop": SERVERS,
    "Money and ledger": MONEY,
    "System": SYSTEM,
}
# The version of the classic dashboard model this JSON is written in.
SCHEMA_VERSION = 42


def dashboard() -> dict[str, Any]:
    """Return the whole dashboard."""
    return {
        "uid": "onsale-sale-day",
        "title": "Sale day",
        "description": "One sale from the line to the ledger: what to watch at ten o'clock.",
        "tags": ["onsale"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # one crosshair through all panels
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "templating": {"list": variables()},
        "annotations": {"list": annotations()},
        "links": [],
        "panels": panels(),
    }


def variables() -> list[dict[str, Any]]:
    """Return what the operator chooses at the top."""
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "hide": 0,
        },
        _labels("sale", "Sale", "onsale_fans_waiting"),
        _labels("event", "Event", "onsale_holds_total"),
    ]


def annotations() -> list[dict[str, Any]]:
    """Return what is marked in every graph."""
    return [
        {
            "name": "Admission rate changed",
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "blue",
            "expr": 'changes(onsale_admission_rate_asked_per_minute{sale=~"$sale"}[15s]) > 0',
            "titleFormat": "Admission rate of {{sale}} changed",
            "step": "15s",
        },
        {
            "name": "Redis rebuilt",
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "red",
            "expr": "increase(onsale_store_recoveries_total[15s]) > 0",
            "titleFormat": "Seats and line were rebuilt in Redis",
            "step": "15s",
        },
    ]


def panels() -> list[dict[str, Any]]:
    """Return rows and panels, laid out from left to right."""
    laid_out: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        laid_out.append(
            {
                "id": len(laid_out) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
                "panels": [],
            }
        )
        y = _lay_out(row, laid_out, y + 1)
    return laid_out


def _lay_out(row: list[Panel], laid_out: list[dict[str, Any]], y: int) -> int:
    """Add the row's panels and return where the next row begins."""
    x = height = 0
    for panel in row:
        if x + panel.width > COLUMNS:
            x, y = 0, y + height
        laid_out.append(panel.to_json(len(laid_out) + 1, x, y))
        x, height = x + panel.width, panel.height
    return y + height


def _labels(name: str, label: str, metric: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({metric}, {name})", "refId": "labels"},
        "definition": f"label_values({metric}, {name})",
        "refresh": 2,  # with the time range: a sale that begins later appears by itself
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def main(arguments: list[str]) -> int:
    """Write the file, or with --check answer 1 when it is not what would be written."""
    text = json.dumps(dashboard(), indent=2) + "\n"
    if "--check" in arguments:
        return 0 if TARGET.exists() and TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
