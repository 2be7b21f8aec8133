"""The errors that say what to do; this module imports nothing, so that every other can raise them.

IPython shows their message alone: the place in the code does not help.
"""


class _Message(Exception):
    """An error whose message is all that there is to know."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows instead of a traceback
        return [f"{type(self).__name__}: {self}"]


class DataError(_Message, ValueError):
    """The data are missing, damaged or not what was asked for."""


class SettingError(_Message, ValueError):
    """A setting is out of its range, or does not fit the data."""


class DivergenceError(_Message, FloatingPointError):
    """The training diverged."""
