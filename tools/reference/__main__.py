"""Write the parts of docs/reference/ that come from the code: `make reference`.

A page is written by hand except for the parts between `<!-- from the code: PART -->` and
`<!-- end -->`: signatures, docstrings, keys, options, targets. With --check the pages are only
compared, as tests/test_docs.py does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from calls import exporters, functions, magics
from commands import commands, targets, variables
from declared import parameters
from keys import keys_of
from root import ROOT

from nbpress.project.report import Chapter, Report
from nbpress.sweep.grid import Description, Range

PAGES = ROOT / "docs" / "reference"

_PART = re.compile(r"(<!-- from the code: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check say which are out of date."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"expected nothing or --check; got {' '.join(arguments)}\n")
        return 2
    pages = sorted(PAGES.glob("*.md"))
    stale = [page for page in pages if written(page) != page.read_text("utf-8")]
    if "--check" not in arguments:
        for page in stale:
            page.write_text(written(page), "utf-8")
        return 0
    for page in stale:
        sys.stderr.write(f"{page.relative_to(ROOT)} is out of date: run make reference\n")
    return int(bool(stale))


def written(page: Path) -> str:
    """Return a page's text with its generated parts up to date."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}\n{PARTS[match[2]]().strip()}\n\n{match[3]}"

    return _PART.sub(part, page.read_text("utf-8"))


PARTS: dict[str, Callable[[], str]] = {
    "report": lambda: keys_of(Report),
    "chapter": lambda: keys_of(Chapter),
    "sweep": lambda: keys_of(Description),
    "range": lambda: keys_of(Range),
    "functions": functions,
    "magics": magics,
    "exporters": exporters,
    "commands": commands,
    "targets": targets,
    "variables": variables,
    "parameters": parameters,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
