"""The error of whatever is wrong with data; it needs nothing, so that all modules can raise it."""


class DataError(ValueError):
    """The data are missing, damaged or not what was asked for; the message says what to do."""
