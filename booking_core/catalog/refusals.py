"""What the catalogue refuses to the people who fill it: operators and their files, never fans."""


class CatalogError(ValueError):
    """Something was not taken into the catalogue. `problems` are (where, what is wrong) pairs."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        assert problems, "a refusal says why"
        self.problems = problems
        super().__init__("\n".join(f"{where}: {what}" for where, what in problems))


class PlanInvalid(CatalogError):
    """A seat plan cannot be used; each problem is at a JSON path such as $.zones[0].rows[2]."""


class EventRefused(CatalogError):
    """An event, its stock or its prices break a rule; each problem is at a field."""
