"""The `onsale` command."""

import asyncio
import os
import sys
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

import click
import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from booking_core.catalog.refusals import EventRefused, PlanInvalid
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from booking_core.tickets.codes import KeySetInvalid, TicketCodeError
from gateway.edge.shop_policy import OUR_SHOP, PolicyError, read_policy_file
from gateway.operator.settings import OperatorSettings
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.errors import BookingError
from groundwork.identity import SECRET_NAME
from groundwork.keys import KeyRing, KeyRingError
from groundwork.logging import set_up_logging
from groundwork.mail_settings import MailSettings
from groundwork.migrate import PHASES, MigrationError, migrate, read_migrations, read_state
from groundwork.redis_store import UnsafeStore
from groundwork.roles import grant_to_application
from groundwork.settings import SettingsError
from groundwork.tls import CertificateError
from onsale.audit_command import audit
from onsale.cannot_start import CannotStart, named_file
from onsale.channel_commands import COMMANDS as CHANNEL_COMMANDS
from onsale.connections import data_dir_option, keys_file
from onsale.data_dir import RunFile
from onsale.event_commands import event
from onsale.event_loop import run
from onsale.guard_commands import fan, networks
from onsale.operator_commands import operator
from onsale.order_commands import order
from onsale.practice_mail import mail_words
from onsale.prove_command import prove_command
from onsale.rehearse_command import rehearse
from onsale.sale_commands import sale
from onsale.settings import Settings, read_all
from onsale.simulate_command import simulate
from onsale.supervisor import GaveUp
from onsale.up import Stores, UpOptions, up
from onsale.verify_draw import verify_draw
from onsale.verify_ticket import verify_ticket

# What somebody did, met with one clear sentence; anything else is a bug and shows its trace.
REFUSALS = (
    CannotStart, CertificateError, GaveUp, SettingsError, UnsafeStore, KeyRingError, MigrationError,
    EventRefused, PlanInvalid, BookingError, TicketCodeError, KeySetInvalid,
)  # fmt: skip
PORT = click.IntRange(1, 65_535)


class OneSentence(click.Group):
    """A group whose commands end refusals with one sentence and a non-zero exit."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except BookingError as error:
            fail(f"{error.code}: " + ", ".join(str(value) for value in vars(error).values()))
        except REFUSALS as error:
            fail(str(error))


def fail(sentence: str) -> NoReturn:
    """Say why, and end."""
    click.echo(sentence, err=True)
    sys.exit(1)


def read(role: str, *kinds: type[msgspec.Struct]) -> tuple[Any, ...]:
    """Return the common settings and those of each kind, and set up the log of a role."""
    settings = read_all(os.environ, Settings, *kinds)
    common = cast("Settings", settings[0])
    set_up_logging(common.log_format, common.log_level, role)
    return settings


@click.group(cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onsale")
def main() -> None:
    """A virtual waiting room and flash-sale gateway."""


main.add_command(sale)
main.add_command(event)
main.add_command(operator)
for command in CHANNEL_COMMANDS:
    event.add_command(command)
main.add_command(order)
main.add_command(verify_draw)
main.add_command(verify_ticket)
main.add_command(simulate)
main.add_command(rehearse)
main.add_command(networks)
main.add_command(fan)
main.add_command(prove_command)
main.add_command(audit)


@main.command("up")
@click.option("--demo", "is_demo", is_flag=True, help="Put a demo sale on sale.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where fans come in.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Where fans come in.")
@click.option(
    "--operator-port", type=PORT, default=9090, show_default=True, help="Health, metrics."
)
@click.option("--provider-port", type=PORT, default=8082, show_default=True, help="Payments.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path(".onsale"),
    show_default=True,
    envvar="ONSALE_DATA_DIR",
    help="Where everything is kept.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: max(1, os.cpu_count() or 1),
    show_default="one per core",
    help="Gateway processes.",
)
@click.option(
    "--tls-certificate", envvar="TLS_CERTIFICATE", default="", help="PEM, with its chain."
)
@click.option("--tls-key", envvar="TLS_KEY", default="", help="PEM, without a password.")
@click.option("--redirect-port", type=PORT, help="Send plain http to https from here.")
def up_command(**options: Any) -> None:
    """Run the whole system on this machine."""
    set_up_logging("console", "INFO", "up")
    console = Console()
    console.print("Starting Onsale …")
    asyncio.run(up(UpOptions(**options), os.environ, lambda *told: show_running(console, *told)))
    console.print("Stopped.")


def show_running(console: Console, running: RunFile, stores: Stores, is_new: bool) -> None:
    """Print where everything is."""
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Fans[/]", f"[link]{running.gateway_url}/[/link]")
    table.add_row("[bold]Health[/]", f"{running.operator_url}/health/ready")
    table.add_row("[bold]Metrics[/]", f"{running.operator_url}/metrics")
    if running.login_file:
        table.add_row("[bold]Operator[/]", f"name and password in {running.login_file}")
    table.add_row("[bold]Payments[/]", f"{running.provider_url}  (practice, no real money)")
    table.add_row("[bold]Mail[/]", mail_words(running.mail_folder))
    table.add_row("[bold]Stores[/]", f"{stores.origins[0]} · {stores.origins[1]}")
    console.print(
        Panel(
            table,
            title="Onsale is up",
            subtitle="Ctrl-C stops everything" + (" · the demo sale is new" if is_new else ""),
            expand=False,
        )
    )
    if stores.servers:
        console.print("Embedded servers are for trying out and rehearsing, not for a sale.")


@main.command()
@click.option("--host", default="0.0.0.0", show_default=True)  # noqa: S104 (a container's door)
@click.option("--port", type=PORT, default=8080, show_default=True)
@click.option("--operator-port", type=PORT, help="Serve health and metrics from here, too.")
@click.option("--redirect-port", type=PORT, help="Send plain http to PUBLIC_URL from here.")
def gateway(host: str, port: int, operator_port: int | None, redirect_port: int | None) -> None:
    """Run one process of the front tier; start several, they share the port."""
    # All of the product: half a second that no other command waits for. So in those that serve below.
    from onsale import roots
    from onsale.operator_root import with_operator

    settings, front, mail, origin, own = read(
        "gateway", GatewaySettings, MailSettings, OriginSettings, OperatorSettings
    )
    if redirect_port is not None and not front.is_secure:
        fail("--redirect-port needs a PUBLIC_URL that begins with https://")
    core = None if origin.is_apart else cast("CoreSettings", read_all(os.environ, CoreSettings)[0])
    try:
        policy = read_policy_file(Path(origin.shop_policy)) if origin.shop_policy else OUR_SHOP
    except PolicyError as error:
        fail(str(error))
    run(
        with_operator(
            roots.run_gateway(
                settings, front, mail, origin, policy, core, host, port, redirect_port
            ),
            settings,
            own,
            operator_port,
        )
    )


@main.command()
@click.option("--host", default="0.0.0.0", show_default=True)  # noqa: S104 (a container's door)
@click.option("--port", type=PORT, default=8081, show_default=True)
@click.option("--operator-port", type=PORT, help="Serve health and metrics from here, too.")
def core(host: str, port: int, operator_port: int | None) -> None:
    """Run one process of the shop, for gateways with ORIGIN_URLS."""
    from onsale import roots
    from onsale.operator_root import with_operator

    settings, shop, mail, own = read("core", CoreSettings, MailSettings, OperatorSettings)
    run(
        with_operator(
            roots.run_core(settings, shop, mail, host, port), settings, own, operator_port
        )
    )


@main.command()
@click.option("--operator-port", type=PORT, help="Serve health and metrics from here, too.")
def worker(operator_port: int | None) -> None:
    """Run the work no request waits for: sweep, reconcile, outbox, rescue."""
    from onsale import roots
    from onsale.operator_root import with_operator

    settings, front, shop, mail, own = read(
        "worker", GatewaySettings, CoreSettings, MailSettings, OperatorSettings
    )
    run(with_operator(roots.run_worker(settings, front, shop, mail), settings, own, operator_port))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=PORT, default=8082, show_default=True)
def provider(host: str, port: int) -> None:
    """Run the practice payment provider."""
    from onsale import roots

    (settings,) = read_all(os.environ, ProviderSettings)
    set_up_logging("json", "INFO", "provider")
    run(roots.run_provider(cast("ProviderSettings", settings), host, port))


@main.command("migrate")
@click.option("--check", is_flag=True, help="Only say whether the schema is current.")
@click.option(
    "--phase",
    type=click.Choice(["pre", "post", "all"]),
    default="all",
    show_default=True,
    help="pre: what the new code needs, before it starts. post: what goes once no old code runs.",
)
@click.option(
    "--grant-to", "role", help="The role the other parts log in as; it gets no more than it needs."
)
def migrate_command(check: bool, phase: Literal["pre", "post", "all"], role: str | None) -> None:
    """Bring the database's schema up to date."""
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url:
        fail("DATABASE_URL is not set")
    migrations = read_migrations(resources.files("migrations"))
    if check:
        state = asyncio.run(read_state(database_url, migrations))
        is_good = state.is_ready if phase == "pre" else state.is_current
        click.echo("The schema is current." if is_good else "The schema is not current.")
        sys.exit(0 if is_good else 1)
    applied = asyncio.run(migrate(database_url, migrations, PHASES if phase == "all" else (phase,)))
    click.echo("\n".join(f"applied {name}" for name in applied) or "The schema is current.")
    if role:
        asyncio.run(grant_to_application(database_url, role))
        click.echo(f"{role} may do what the application needs, and no more")


@main.group()
def keys() -> None:
    """The installation's secrets."""


@keys.command("new")
@click.argument("file", type=click.Path(path_type=Path))
def new_keys(file: Path) -> None:
    """Make a file of new secrets; an existing one is never overwritten."""
    with named_file(file):
        KeyRing.generate(file)
    click.echo(f"made {file}")


@keys.command("rotate")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@data_dir_option
def rotate_keys(file: Path | None, data_dir: Path) -> None:
    """Sign with the next key from now on; what older keys have signed stays good.

    Running processes follow within ten seconds. Rotate again after five minutes at the earliest:
    by then everybody who verifies tokens has seen the key that comes next.
    """
    path = file or keys_file(data_dir)
    click.echo(f"signing with {KeyRing.load(path).rotate(path)}")


@keys.command("shop")
@click.argument("file", type=click.Path(path_type=Path))
def shop_key(file: Path) -> None:
    """Print what a shop of your own checks `Onsale-Identity` with; for that shop alone."""
    click.echo(KeyRing.load(file).secret(SECRET_NAME).hex())
