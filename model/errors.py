"""The one kind of error that a user's own input can cause, and the one kind of warning."""


class InputError(ValueError):
    """A value that a user gave and that can't be used.

    The text is one line: it names the thing, the value it had and what is allowed. The command
    line prints it without a traceback and exits with 2.
    """


class PrecisionWarning(UserWarning):
    """The input is legal, but the numbers that come out will not mean what the user expects."""
