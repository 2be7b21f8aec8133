"""`python -m benchmarks [training] [build] [sweeps] [exploring]` measures these, or all.

It writes results.md. On two otherwise idle cores, training takes a quarter of an hour.

Each benchmark is a module with `run() -> str`, which returns one section of Markdown. Sections
that are not measured this time stay as they are in results.md.
"""

from __future__ import annotations

import argparse
import importlib
import re

from benchmarks.machine import HERE, describe

# The heading of each module's section.
NAMES = {"training": "Training", "build": "The build", "sweeps": "Sweeps", "exploring": "Exploring"}
RESULTS = HERE / "results.md"


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; default: all")
    names = parser.parse_args().names or list(NAMES)
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"names must be of {', '.join(NAMES)}; got {', '.join(unknown)}")
    sections = _sections(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in names:
        machine = describe()  # before the load that the benchmark makes
        section = importlib.import_module(f"benchmarks.{name}").run()
        ((heading, text),) = _sections(section).items()
        sections[heading] = f"{machine}\n\n{text}"
        parts = [f"## {h}\n\n{sections[h]}\n" for h in NAMES.values() if h in sections]
        RESULTS.write_text("\n".join(["# Benchmarks\n", *parts]), "utf-8")


def _sections(text: str) -> dict[str, str]:
    """Split Markdown into the texts below its second-level headings."""
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return {heading: below.strip() for heading, below in sections}


if __name__ == "__main__":
    main()
