"""`onsale verify-ticket`: check a ticket's code as a door does, with the published keys alone."""

import json
from typing import Any

import click
import msgspec

from booking_core.tickets.codes import KeySetInvalid, verify_ticket_code


@click.command("verify-ticket")
@click.argument("code")
@click.option("--jwks", type=click.File("r"), required=True, help="The key set, or - for input.")
@click.option("--event", "event_id", help="Only a ticket for this event is good.")
def verify_ticket(code: str, jwks: Any, event_id: str | None) -> None:
    """Check the code of a ticket, offline, and say what it is for."""
    try:
        keys = json.load(jwks)
    except ValueError as error:
        raise KeySetInvalid(f"not a JSON Web Key Set: {error}") from error
    ticket = verify_ticket_code(code, keys, event_id)
    click.echo(msgspec.json.format(msgspec.json.encode(ticket)).decode())
