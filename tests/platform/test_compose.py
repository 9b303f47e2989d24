"""docker-compose.yml starts what the code can start, with settings it knows and accepts."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from secrets import token_hex
from typing import Any

import click
import msgspec
import pytest
import yaml

from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from gateway.operator.settings import OperatorSettings
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.mail_settings import MailSettings
from groundwork.redis_store import REQUIRED_SETTINGS
from groundwork.settings import read_settings
from onsale.cli import main
from onsale.roots import SHUTDOWN_SECONDS
from onsale.settings import Settings, read_all
from onsale.up import STOP_SECONDS
from tests.platform.processes import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "onsale" in service.get("image", "")}
# What each part reads; see onsale/cli.py.
READS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "gateway": (Settings, GatewaySettings, MailSettings, OriginSettings, OperatorSettings),
    "core": (Settings, CoreSettings, MailSettings, OperatorSettings),
    "worker": (
        Settings,
        GatewaySettings,
        OriginSettings,
        CoreSettings,
        MailSettings,
        OperatorSettings,
    ),
    "provider": (ProviderSettings,),
    "migrate": (Settings,),
}
KINDS = (
    Settings,
    GatewaySettings,
    OriginSettings,
    OperatorSettings,
    CoreSettings,
    MailSettings,
    ProviderSettings,
)
KNOWN = {field.name.upper() for kind in KINDS for field in msgspec.structs.fields(kind)}
GIVEN = {
    "POSTGRES_PASSWORD": "a-password",
    "PAYMENTS_SECRET_KEY": "sk_practice_0123456789",
    "PAYMENTS_WEBHOOK_SECRET": "whsec_practice_0123456789",
}
SECONDS = {"s": 1.0, "ms": 0.001}


def filled_in(text: str) -> str:
    """Put the environment in place as compose does: ${NAME:-default} and ${NAME:?must be set}."""

    def value(match: re.Match[str]) -> str:
        if match["kind"] == ":?":
            return GIVEN[match["name"]]
        return GIVEN.get(match["name"], match["word"] or "")

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<word>[^}]*))?\}", value, text)


def words(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else command


def is_one_shot(name: str) -> bool:
    return bool(SERVICES[name].get("restart") == "no")


def test_all_parts_are_there() -> None:
    assert set(SERVICES) >= {
        *("redis", "postgres", "migrate", "core", "gateway", "worker", "provider"),
        *("prometheus", "grafana"),
    }


@pytest.mark.parametrize("name", [name for name in OURS if "command" in OURS[name]])
def test_each_command_is_one_we_have(name: str) -> None:
    part, *options = words(OURS[name]["command"])
    command = main.commands[part]
    with command.make_context(part, options) as context:
        assert isinstance(context, click.Context)


@pytest.mark.parametrize("name", OURS)
def test_each_setting_is_one_we_know(name: str) -> None:
    assert set(OURS[name]["environment"]) <= KNOWN


@pytest.mark.parametrize("name", [name for name in OURS if "command" in OURS[name]])
def test_each_part_accepts_its_settings(name: str) -> None:
    part = words(OURS[name]["command"])[0]
    environ = {key: filled_in(str(value)) for key, value in OURS[name]["environment"].items()}
    read_all(environ, *READS[part])


def test_what_is_public_is_where_buyers_are_sent() -> None:
    environ = OURS["core"]["environment"]
    at = {"PUBLIC_URL": "https://fans.example"}
    secrets = {name: token_hex(16) for name in ("PAYMENTS_SECRET_KEY", "PAYMENTS_WEBHOOK_SECRET")}
    told = {key: filled_in(str(value)) for key, value in environ.items()}
    assert read_settings(CoreSettings, told).shop_url == "http://localhost:8080"
    assert read_settings(CoreSettings, {**told, **at, **secrets}).shop_url == "https://fans.example"


@pytest.mark.parametrize("name", ["gateway", "core", "worker"])
def test_operator_listeners_may_be_asked_by_the_names_they_have(name: str) -> None:
    hosts = OURS[name]["environment"]["OPERATOR_HOSTS"]
    assert OperatorSettings(operator_hosts=hosts).hosts().takes(f"{name}:9090")


def test_payments_outlast_the_container_of_the_practice_provider() -> None:
    journal = Path(OURS["provider"]["environment"]["PRACTICE_JOURNAL_PATH"])
    [volume] = OURS["provider"]["volumes"]
    assert volume == f"provider:{journal.parent}"
    [made] = [line for line in dockerfile() if "install --directory --owner onsale" in line]
    assert str(journal.parent) in made.split(), (
        "a new volume has the owner that the image's folder has"
    )


@pytest.mark.parametrize("name", [name for name in OURS if not is_one_shot(name)])
def test_each_part_may_end_in_its_own_time(name: str) -> None:
    assert int(OURS[name]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS > SHUTDOWN_SECONDS


def test_the_image_has_what_was_tested() -> None:
    [installs] = [line for line in dockerfile() if "pip install" in line]
    assert "--constraint constraints.txt" in installs


@pytest.mark.parametrize("name", SERVICES)
def test_each_lasting_service_shows_its_health_quickly(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if is_one_shot(name):
        assert check == {"disable": True}
        return
    assert check["test"][0] == "CMD"
    matched = re.fullmatch(r"(\d+)(ms|s)", check["interval"])
    assert matched
    assert 2 <= int(matched[1]) * SECONDS[matched[2]] <= 5


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_waits_for_what_can_come_true(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if is_one_shot(other) else "service_healthy"
        assert condition["condition"] == wanted, other


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert (REPOSITORY / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


def test_redis_is_as_safe_as_we_demand() -> None:
    command = words(SERVICES["redis"]["command"])
    told = {
        option.removeprefix("--"): value
        for option, value in pairwise(command)
        if option.startswith("--")
    }
    for name in ("maxmemory-policy", "appendonly"):
        assert told[name] == REQUIRED_SETTINGS[name][0]
    assert told["appendfsync"] == "everysec"


def test_prometheus_asks_the_parts_where_they_answer() -> None:
    config = yaml.safe_load((REPOSITORY / "dashboards/prometheus.yml").read_text("utf-8"))
    asked = {
        (name, found["port"])
        for job in config["scrape_configs"]
        for found in job["dns_sd_configs"]
        for name in found["names"]
    }
    for name, port in asked:
        command = words(SERVICES[name]["command"])
        assert int(command[command.index("--operator-port") + 1]) == port
    assert {name for name, _ in asked} == {"gateway", "core", "worker"}


def test_grafana_finds_dashboards_and_prometheus() -> None:
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    provisioning = REPOSITORY / "dashboards/provisioning"
    providers = yaml.safe_load((provisioning / "dashboards/onsale.yml").read_text("utf-8"))
    assert providers["providers"][0]["options"]["path"] == mounted["./dashboards"]
    sources = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text("utf-8"))
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"


def dockerfile() -> list[str]:
    text = (REPOSITORY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_has_every_package_and_runs_without_rights() -> None:
    lines = dockerfile()
    copied = {
        source
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert all((REPOSITORY / source).exists() for source in copied)
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
    assert copied >= packages & {
        *("onsale", "gateway", "booking_core", "lua", "groundwork", "migrations")
    }
    last_stage = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert "USER onsale" in last_stage
    assert any(line.startswith("HEALTHCHECK ") for line in last_stage)


def test_nothing_secret_or_local_goes_into_the_image() -> None:
    ignored = set(Path(REPOSITORY / ".dockerignore").read_text("utf-8").split())
    assert ignored >= {".git", ".venv", ".onsale", ".cache"}
