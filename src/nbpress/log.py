"""What the press tells its user, and what it keeps for debugging.

Messages go to stderr at once; `build/nbpress.log` keeps them, and the tracebacks as well.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import TextIO

logger = logging.getLogger("nbpress")

_BYTES = 2**20  # the size at which a log becomes nbpress.log.1


class _Quiet(logging.handlers.RotatingFileHandler):
    """Drops what cannot be written: the press reports a full disk itself."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing."""


def keep_log(file: Path, *, debug: bool) -> None:
    """Keep messages and tracebacks in a file; with `debug`, show the tracebacks as well."""
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    kept = _Quiet(file, maxBytes=_BYTES, backupCount=1, encoding="utf-8", delay=True)
    kept.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(kept)
    if debug:
        shown = logging.StreamHandler()
        shown.addFilter(lambda record: record.levelno == logging.DEBUG)
        logger.addHandler(shown)


def say(line: str) -> None:
    """Tell the user something at once; if stderr cannot be written, the log still has it."""
    logger.info(line)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:  # the disk that it goes to is full, or its reader has left
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Discard everything else that is written to a stream that has failed."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def open_closed_streams() -> None:
    """Open closed standard streams; otherwise the next files opened would take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def keep_traceback(error: BaseException) -> None:
    """Keep an error's traceback in the log; the user sees only the message."""
    logger.debug("%s", type(error).__name__, exc_info=error)
