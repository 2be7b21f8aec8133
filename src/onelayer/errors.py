"""The error for bad data; it imports nothing, so that every module can raise it."""


class DataError(ValueError):
    """The data are missing, damaged or not what was asked for; the message says what to do."""
