"""How errors of this package look to those who get them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onelayer import errors


@pytest.mark.parametrize("kind", ["DataError", "SettingError", "DivergenceError"])
def test_ipython_shows_the_message_alone(kind: str) -> None:
    """A traceback would lead into this package, where nothing is wrong."""
    code = f"from onelayer.errors import {kind}\ndef f():\n    raise {kind}('a must be > 0')\nf()"
    ran = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.stdout + ran.stderr).strip() == f"{kind}: a must be > 0"


def test_errors_are_those_of_python() -> None:
    """Whoever knows only Python's own kinds can catch them."""
    assert issubclass(errors.DataError, ValueError)
    assert issubclass(errors.SettingError, ValueError)
    assert issubclass(errors.DivergenceError, FloatingPointError)
