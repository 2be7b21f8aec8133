"""Shows the progress of the running notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """One live line per running notebook, in a terminal only."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.bars: dict[Path, tqdm[Any]] = {}  # by the file to which a worker writes its cell

    def close(self) -> None:
        """Remove all lines."""
        for bar in self.bars.values():
            bar.close()

    def say(self, line: str) -> None:
        """Write a line above the live ones."""
        for bar in self.bars.values():
            bar.clear()
        self.write(line)

    def add(self, file: Path, name: str, num_cells: int) -> None:
        """Show a line for a notebook whose worker writes its progress to a file."""
        if not sys.stderr.isatty():
            return
        from tqdm import tqdm

        self.bars[file] = tqdm(
            total=num_cells,
            desc=name,
            leave=False,
            bar_format="{desc}: cell {n} of {total}, {elapsed}",
        )

    def update(self) -> None:
        """Update all lines."""
        for file, bar in self.bars.items():
            try:
                cell, total = map(int, file.read_text().split())
            except (OSError, ValueError):  # not started yet, or being written just now
                continue
            bar.n, bar.total = cell, total
            bar.refresh()

    def remove(self, file: Path) -> None:
        """Remove a notebook's line."""
        if file in self.bars:
            self.bars.pop(file).close()
