"""What the page of the published document shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDocsPage:
    """Where the page finds what shows the document."""

    script_url: str
    stylesheet_url: str
