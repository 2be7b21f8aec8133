"""Keeps the executed part of a failed notebook in `build/failed/`, for its author and `watch`."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from nbpress.run.observed import Observation, read_observation
from nbpress.run.worker import Outcome


def keep_failed(build: Path, notebook: str, partial: Path, outcome: Outcome) -> Path | None:
    """Keep what a failed notebook executed, read and wrote; return the path of the notebook.

    Return None if nothing was executed.
    """
    kept = build / "failed" / notebook
    kept.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        _observation(kept).write_text(json.dumps(asdict(outcome.observation)), "utf-8")
    kept.unlink(missing_ok=True)  # of an earlier failure
    with contextlib.suppress(FileNotFoundError):
        os.replace(partial / "executed.ipynb", kept)
    return kept if kept.is_file() else None


def last_failed(build: Path, notebook: str) -> Observation:
    """Return what a notebook read and wrote in its last failed run; nothing if that is unknown."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return read_observation(_observation(build / "failed" / notebook))
    return Observation()


def _observation(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.json")
