"""The pages of the shop: what is on sale, seats, checkout, orders."""

from pathlib import Path

from groundwork.pages import PageRenderer


def make_renderer() -> PageRenderer:
    """Everything the shop shows, with its static files under /static/shop/."""
    return PageRenderer({"shop": Path(__file__).parent})
