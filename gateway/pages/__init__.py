"""The pages of the front tier: the waiting room."""

from pathlib import Path

from groundwork.pages import PageRenderer


def make_renderer() -> PageRenderer:
    """Everything the front tier shows, with its static files under /static/room/."""
    return PageRenderer({"room": Path(__file__).parent})
