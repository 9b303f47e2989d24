"""The options that give a sale its looks, and giving them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway.waiting_room.brand_pictures import Kind, make_picture
from gateway.waiting_room.brands import BrandRecords, checked_colour
from groundwork.postgres import Pool

PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)

# What to give a sale's pool to do.
Dressing = Callable[[Pool], Any]


def brand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add --colour, --logo and --image to a command."""
    for option in (
        click.option(
            "--image", type=PICTURE, help="Shown wide above the place: PNG, JPEG or WebP."
        ),
        click.option("--logo", type=PICTURE, help="In place of ours: PNG, JPEG or WebP."),
        click.option(
            "--colour",
            help="#rrggbb; made lighter or darker where text could not be read otherwise.",
        ),
    ):
        command = option(command)
    return command


def dressing(
    sale_id: str, colour: str | None, logo: Path | None, image: Path | None
) -> Dressing | None:
    """Return what gives the sale these looks, all checked; None when nothing was given.

    Raises RequestInvalid.
    """
    if colour is None and logo is None and image is None:
        return None
    checked = None if colour is None else checked_colour(colour)
    pictures = {
        kind: make_picture(path.read_bytes(), kind)
        for kind, path in _given(logo=logo, image=image).items()
    }
    return lambda pool: BrandRecords(pool).dress(
        sale_id, checked, pictures.get("logo"), pictures.get("image")
    )


def _given(logo: Path | None, image: Path | None) -> dict[Kind, Path]:
    found: dict[Kind, Path] = {}
    if logo is not None:
        found["logo"] = logo
    if image is not None:
        found["image"] = image
    return found
