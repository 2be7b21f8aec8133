"""Runs TeX on a source, with the first engine that is installed, and without shell access."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbtypeset.write.latex import LatexSource

# The engines that read Unicode, and their commands.
_COMMANDS = {
    "xelatex": ["xelatex", "-no-shell-escape", "-interaction=nonstopmode", "{filename}"],
    "lualatex": ["lualatex", "-no-shell-escape", "-interaction=nonstopmode", "{filename}"],
    "tectonic": ["tectonic", "--untrusted", "--keep-logs", "{filename}"],
}
_RUNS = 3  # at most, until page numbers and the widths of tables are known
_PATIENCE = 60  # seconds; a report takes a few
_PROBLEM = re.compile(r"^(?:! |error: )(.*)|^(Missing character: .*?) in font", re.MULTILINE)


class NoTeXError(RuntimeError):
    """No TeX engine is installed."""


class TeXFailure(RuntimeError):
    """TeX made no document; the message gives TeX's reasons."""


def installed_engine() -> list[str]:
    """Return the command of the first engine that is installed."""
    for name, command in _COMMANDS.items():
        if shutil.which(name):
            return command
    raise NoTeXError(
        f"ENGINE=latex needs one of {', '.join(_COMMANDS)}, and none is installed. On Debian "
        "or Ubuntu: apt-get install texlive-xetex texlive-fonts-recommended "
        "texlive-plain-generic. The default, ENGINE=typst, needs no TeX."
    )


def compile_latex(
    source: LatexSource, command: Sequence[str], timestamp: int = 0
) -> tuple[bytes, list[str]]:
    """Return the PDF, dated by ``timestamp`` in seconds, and TeX's complaints.

    Raises
    ------
    TeXFailure
        If no PDF was made.
    """
    with tempfile.TemporaryDirectory(prefix="nbpress-") as folder:
        for name, content in source.files.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_bytes(content)
        Path(folder, "main.tex").write_text(source.main, encoding="utf-8", newline="\n")
        known = Path(folder, "main.aux")  # what the next run will know
        for _ in range(_RUNS):
            before = known.read_bytes() if known.is_file() else b""
            said = _run([word.format(filename="main.tex") for word in command], folder, timestamp)
            if not known.is_file() or known.read_bytes() == before:  # tectonic deletes it
                break
        log = Path(folder, "main.log")
        if log.is_file():
            said = log.read_text(encoding="utf-8", errors="replace")
        problems = [line or missing for line, missing in _PROBLEM.findall(said)]
        pdf = Path(folder, "main.pdf")
        if not pdf.is_file():
            raise TeXFailure("; ".join(problems) or said[-2000:])
        return pdf.read_bytes(), list(dict.fromkeys(problems))


def _run(command: list[str], folder: str, timestamp: int) -> str:
    environment = {
        **os.environ,
        # TeX reads and writes nothing outside its own folder and its own files.
        **{"openin_any": "p", "openout_any": "p", "max_print_line": "1000"},
        # The same source gives the same bytes.
        **{"SOURCE_DATE_EPOCH": str(timestamp), "FORCE_SOURCE_DATE": "1"},
    }
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TeXFailure(f"{command[0]} took more than {_PATIENCE} s") from error
    return done.stdout.decode(errors="replace")
