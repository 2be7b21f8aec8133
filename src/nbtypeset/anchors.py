"""What links lead to: how a heading names a task, and the one form of every spelling of an id.

Only the standard library is imported here, because the kernels of notebooks import this too.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# What a heading that begins a task may call it: "## Exercise 2d".
TASK_WORDS = ("Task", "Exercise", "Question", "Problem", "Part", "Section", "Appendix")
TASK = r"(?:[0-9]+[a-z]?|[A-Z])"
# "Task 2d", "Task 2." and "Task 2:", but neither "Section 2.1" nor "Part A's".
TASK_NAME = rf"(?:{'|'.join(TASK_WORDS)})[^\S\n]+({TASK})(?!['’.,/–-]?\w)"


def folded(anchor: str) -> str:
    """Return the common form of Jupyter's ``#My-Heading`` and pandoc's ``#my-heading``."""
    return re.sub(r"[^\w.-]", "", unquote(anchor).lower().replace(" ", "-"))
