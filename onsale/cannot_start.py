"""Why nothing was started, in one sentence for whoever typed the command."""


class CannotStart(Exception):
    """Something is missing or in the way. The text is one sentence that says what to do."""
