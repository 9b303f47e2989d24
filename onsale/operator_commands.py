"""`onsale operator …`: the operator listener, who may use it, and the log of what was done."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar, cast

import click

from gateway.operator.operator_log import ENTRIES_PER_PAGE
from gateway.operator.operators import TOKEN_DAYS_MAX, Operators
from gateway.operator.passwords import PASSWORD_CHARACTERS_MAX, PasswordWeak
from gateway.operator.policies import ROLES, SCOPES, Role
from gateway.operator.settings import OperatorSettings
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.logging import set_up_logging
from onsale.cannot_start import CannotStart
from onsale.connections import data_dir_option, with_pool
from onsale.event_loop import run
from onsale.first_login import MADE_PASSWORD_BYTES, doer
from onsale.settings import Settings, read_all

Result = TypeVar("Result")
TOKEN_DAYS = 90


def with_operators(data_dir: Path, work: Callable[[Operators], Awaitable[Result]]) -> Result:
    """Return what the work returns that it does on the accounts."""
    return with_pool(
        data_dir, lambda pool: work(Operators(pool, SystemClock(), SystemTokenSource()))
    )


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65_535), default=9090, show_default=True)
@click.pass_context
def operator(context: click.Context, host: str, port: int) -> None:
    """Serve health, metrics and operators of this machine; or one of the commands below."""
    if context.invoked_subcommand is not None:
        return
    # All of the product, for who serves alone: see cli.py.
    from onsale.operator_root import run_operator

    found = read_all(os.environ, Settings, OperatorSettings)
    settings, own = cast("Settings", found[0]), cast("OperatorSettings", found[1])
    set_up_logging(settings.log_format, settings.log_level, "operator")
    run(run_operator(settings, own, host, port))


@operator.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option(
    "--password-file",
    type=click.File("r"),
    help="Take the password from this file, - for input; made and shown once if absent.",
)
@data_dir_option
def add(name: str, role: Role, password_file: IO[str] | None, data_dir: Path) -> None:
    """Add an operator, or give one a new role and password, which ends their sessions."""
    made = SystemTokenSource().token(MADE_PASSWORD_BYTES)
    given = password_file.read(PASSWORD_CHARACTERS_MAX + 2).rstrip("\r\n") if password_file else ""
    try:
        with_operators(data_dir, lambda found: found.add(doer(), name, role, given or made))
    except PasswordWeak as error:
        raise CannotStart(str(error)) from error
    click.echo(f"{name} may come in as {role}")
    if not given:
        click.echo(f"password (shown this once): {made}")


@operator.command()
@click.argument("name")
@data_dir_option
def remove(name: str, data_dir: Path) -> None:
    """Let an operator in no more, nor the tokens made for them."""
    if not with_operators(data_dir, lambda found: found.remove(doer(), name)):
        raise CannotStart(f"There is no operator {name}.")
    click.echo(f"{name} may not come in any more")


@operator.command("list")
@data_dir_option
def list_operators(data_dir: Path) -> None:
    """List who may come in."""
    for name, role in with_operators(data_dir, lambda found: found.all()):
        click.echo(f"{name}\t{role}")


@operator.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@click.option("--purpose", required=True, help="What it is for; the log names it.")
@click.option(
    "--days", type=click.IntRange(1, TOKEN_DAYS_MAX), default=TOKEN_DAYS, show_default=True
)
@data_dir_option
def token(name: str, scopes: tuple[str, ...], purpose: str, days: int, data_dir: Path) -> None:
    """Make a token for a program that acts for an operator; shown this once."""
    click.echo(
        with_operators(
            data_dir, lambda found: found.make_token(doer(), name, purpose, scopes, days)
        )
    )


@operator.command()
@click.argument("token_id")
@data_dir_option
def revoke(token_id: str, data_dir: Path) -> None:
    """Let a token count no more; the log has its id."""
    if not with_operators(data_dir, lambda found: found.revoke_token(doer(), token_id)):
        raise CannotStart(f"There is no token {token_id} that counts.")
    click.echo(f"{token_id} counts no more")


@operator.command()
@click.option("--verify", is_flag=True, help="Check that no entry was changed or is missing.")
@click.option(
    "--last", type=click.IntRange(1), default=ENTRIES_PER_PAGE, show_default=True,
    help="Show so many of the newest entries.",
)  # fmt: skip
@click.option("--all", "shows_all", is_flag=True, help="Show every entry.")
@data_dir_option
def log(data_dir: Path, last: int, *, verify: bool, shows_all: bool) -> None:
    """Show what operators did, the newest last; or check all of it."""
    if verify:
        verify_log(data_dir)
        return
    # One more than is shown says whether there are more.
    count = None if shows_all else last + 1
    entries = with_operators(data_dir, lambda found: found.log.read(count=count))
    shown = entries if shows_all else entries[:last]
    if len(shown) < len(entries):
        click.echo(f"Older entries than these {last}: --last for more of them, or --all.", err=True)
    for entry in reversed(shown):
        at = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(timespec="seconds")
        parts = (str(entry.number), at, entry.operator, entry.by_what, entry.action)
        click.echo("\t".join((*parts, entry.subject, entry.reason, entry.details)))


def verify_log(data_dir: Path) -> None:
    """Say how many entries hold, and the hash of the last. Raises CannotStart at the first that does not."""
    count, last_hash, broken = with_operators(data_dir, lambda found: found.log.check())
    if broken is not None:
        raise CannotStart(f"Entry {broken.number} {broken.why}; {count} entries before it hold.")
    click.echo(f"{count} entries hold; the last has the hash {last_hash or '(none)'}")
