"""A description of the machine that measures, without names and paths; and a process's memory."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from pathlib import Path

import numpy as np
import psutil

HERE = Path(__file__).resolve().parent


def describe() -> str:
    """Return one paragraph of Markdown."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {_processor()}, "
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB of memory, "
        f"{platform.system()} on {platform.machine()}; Python {platform.python_version()}, "
        f"NumPy {np.__version__} with {blas['name']} {blas['version']}. "
        f"Load of the machine at the start, in waiting or running processes: {load}."
    )


class Memory:
    """The memory that a process takes from now on, beyond what it already has."""

    def __init__(self) -> None:
        self._before = psutil.Process().memory_info().rss
        with contextlib.suppress(OSError):  # only Linux can forget the peak so far
            Path("/proc/self/clear_refs").write_text("5", "ascii")

    def extra_bytes(self) -> int | None:
        """Return the peak since then, relative to the level then; None if the system has none."""
        try:
            status = Path("/proc/self/status").read_text("ascii")
        except OSError:
            return None
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return max(0, int(peak[1]) * 1024 - self._before) if peak else None


def _processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or "unknown processor"

    def entry(name: str) -> str:
        match = re.search(rf"^{name}\s*: (.*)$", info, re.MULTILINE)
        return match[1].strip() if match else "unknown"

    return f"{entry('model name')} (family {entry('cpu family')}, model {entry('model')})"
