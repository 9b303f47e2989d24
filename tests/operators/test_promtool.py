"""The rules and the metrics as Prometheus' own tools see them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.operators.promql import DASHBOARDS, RULES, rules

ALERT_TESTS = Path(__file__).with_name("alerts_test.yml")


def promtool(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    tool = shutil.which("promtool")
    assert tool, "promtool is missing: apt install prometheus"
    return subprocess.run(
        [tool, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
    )


def test_the_rules_are_rules() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_scrape_configuration_is_one() -> None:
    checked = promtool("check", "config", DASHBOARDS / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alerts_ring_when_they_should_and_only_then() -> None:
    tested = promtool("test", "rules", ALERT_TESTS)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_has_a_history_that_rings_it() -> None:
    rung = {
        test["alertname"]
        for history in yaml.safe_load(ALERT_TESTS.read_text())["tests"]
        for test in history["alert_rule_test"]
        if test["exp_alerts"]
    }
    assert rung == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize(
    ("guard", "without"),
    [
        ("(onsale_oversold_seats) > 0", "(onsale_oversold_seats) > 1"),
        ("and on (sale) max by (sale) (onsale_admission_rate_asked_per_minute) > 0", ""),
        ("and on (sale) max by (sale) (onsale_fans_waiting) > 0", ""),
        ('(sum(rate(onsale_http_requests_total{status=~"5.."}[2m])) or vector(0))',
         '(sum(rate(onsale_http_requests_total{status=~"5.."}[2m])) * 9)'),
        ("> 0.01", "> 0.03"),
        ("(onsale_origin_circuit) >= 0)", "(onsale_origin_circuit))"),
        ("min((max by (upstream)", "max((max by (upstream)"),
        ("(onsale_origin_circuit[2m])", "(onsale_origin_circuit[45s])"),
        ("* max by (upstream) (max_over_time(onsale_origin_circuit[2m]) == bool 2)", ""),
        ("max_over_time(onsale_origin_circuit[2m]) == bool 2)", "onsale_origin_circuit >= bool 1)"),
        ("+ 1 - min by (upstream) (onsale_origin_healthy))\n", ")\n"),
        ("+ max by (upstream) (onsale_origin_garbled)\n", "+ 0\n"),
        ("(onsale_origin_garbled)\n          * (1 - min by (upstream) (onsale_origin_healthy))",
         "(onsale_origin_garbled)"),
        ("+ 1 - min by (upstream) (onsale_origin_healthy) > 0", "> 0"),
        ("< 0.5\n          and on (sale) max by (sale) (onsale_admission_rate_asked_per_minute) > 0",
         "< 0.5"),
        ("max(onsale_outbox_oldest_seconds) > 60", "max(onsale_outbox_oldest_seconds) > 600"),
        ("> 10 * clamp_max(", "> 0 * clamp_max("),
        ("or vector(0), 1)", ", 1)"),
        ('{kind="ticket_mail", outcome="sent"}', '{kind="ticket_mail"}'),
        ('{kind="ticket_mail", outcome="sent"}', '{outcome="sent"}'),
        ('(sum(onsale_process_up{role="worker"}) or vector(0)) < 1',
         'sum(onsale_process_up{role="worker"}) < 1'),
        ('(sum(onsale_process_up{role="gateway"}) or vector(0)) < 1',
         'sum(onsale_process_up{role="gateway"}) < 1'),
        ("or 0 * max_over_time(sum by (role) (onsale_process_up)[10m:5s])", ""),
        ('(max_over_time(sum(onsale_process_up{role="core"})[1h:15s]) or vector(0))', "vector(1)"),
        ('((sum(onsale_process_up{role="core"}) or vector(0)) == bool 0)', "1"),
        ('(sum(onsale_process_up{role="core"}) or vector(0))', 'sum(onsale_process_up{role="core"})'),
    ],
)  # fmt: skip
def test_the_histories_notice_a_weakened_rule(tmp_path: Path, guard: str, without: str) -> None:
    text = RULES.read_text()
    assert guard in text
    (tmp_path / "rules.yml").write_text(text.replace(guard, without))
    histories = re.sub(r"^rule_files: .*$", "rule_files: [rules.yml]", ALERT_TESTS.read_text(),
                       flags=re.MULTILINE)  # fmt: skip
    (tmp_path / "test.yml").write_text(histories)
    assert promtool("test", "rules", tmp_path / "test.yml").returncode != 0
