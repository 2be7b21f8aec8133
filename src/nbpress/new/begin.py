"""Makes the folder of a new report, completely or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import yaml

from nbpress.errors import PressError
from nbpress.files import as_json, digest
from nbpress.new import DISTRIBUTION
from nbpress.new.adopt import adopt
from nbpress.new.left import ALTERNATIVE, left_to_do, needed

_TEMPLATES = Path(__file__).parent
_PYTHON = ".python"  # the file that names the Python the Makefile uses on this machine
_TODO = "TODO.md"
_OF_REPORT = "report/report.yaml: fill in the title (now {title}) and authors (now First Author)"
_ON_FIGURES = """
To give a figure a caption and a text alternative, add a code cell like this one below it. Here
`fig` is the variable that holds the figure (`fig = plt.figure()`), and a cell further up must run
`%load_ext nbpress`. If caption or text alternative quote values, the label must name their task:
`fig-1` belongs to task 1.

    %%figure fig-1 fig
    The caption.

    Alt:
    What the figure shows, in words.
"""


def begin(folder: Path, notebooks: Sequence[Path] = ()) -> str:
    """Make a report's project in `folder`; return the next commands, and what is left to do.

    Its chapters are copies of the given notebooks, or two examples if none are given.

    Raises
    ------
    PressError
        If the folder cannot be made or is not empty, or a notebook cannot be copied. Nothing is
        left behind then.
    """
    _check_free(folder)
    adopted = adopt(notebooks)
    name = folder.resolve().name
    texts = {
        "title": _quoted(_title(name)),
        "chapters": "\n".join(f"  - notebook: {_quoted(each.path.name)}" for each in adopted),
        **_wheel(),
    }
    files = {
        **_template("project", texts),
        **_template("adopted" if adopted else "example", texts),
        **{
            f"notebooks/{each.path.name}": as_json(each.notebook.content).encode()
            for each in adopted
        },
        **_installed_from(texts["wheel"]),
        _PYTHON: os.fsencode(f"{sys.executable}\n"),
    }
    files["requirements.txt"] += "".join(f"{each}\n" for each in needed(adopted)).encode()
    left = ""
    if adopted:
        left = _listed([_OF_REPORT.format(**texts), *left_to_do(adopted)])
        files[_TODO] = f"# Left to do\n\n{left}".encode()
    _write(folder, files)
    return _next_commands(folder) + (f"\nLeft to do (also in {_TODO}):\n\n{left}" if left else "")


def _listed(left: Sequence[str]) -> str:
    """Return the list as Markdown, followed by help on figures if any of them needs work."""
    is_shown = any(line.endswith(ALTERNATIVE) for line in left)
    return "".join(f"- {line}\n" for line in left) + (_ON_FIGURES if is_shown else "")


def _check_free(folder: Path) -> None:
    """Refuse a folder that exists and is not empty, or whose parent does not exist."""
    if not os.path.lexists(folder):
        if not folder.parent.is_dir():
            raise PressError(
                f"cannot make {folder}: there is no folder {folder.parent}; make that first"
            )
        return
    expected = "expected the name of a new folder, or of an empty one"
    if not folder.is_dir():
        raise PressError(f"{folder} is not a folder: {expected}; give another name")
    if names := sorted(os.listdir(folder)):
        more = f" and {len(names) - 1} more" if names[1:] else ""
        raise PressError(
            f"{folder} is not empty: {expected}; found {names[0]}{more} in it; give another name"
        )


def _title(name: str) -> str:
    title = re.sub(r"[-_\s]+", " ", name).strip() or "Report"
    return title[0].upper() + title[1:]


def _quoted(text: str) -> str:
    """Return a text quoted for YAML, whatever it contains."""
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6).strip()


def _wheel() -> dict[str, str]:
    """Return the names of the package that this command belongs to, and of its wheel."""
    try:
        version = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise PressError(
            f"{DISTRIBUTION} is not installed, so its version for requirements.txt is unknown: "
            "install its wheel first"
        ) from error
    wheel = f"{DISTRIBUTION.replace('-', '_')}-{version}-py3-none-any.whl"
    return {"name": DISTRIBUTION, "wheel": wheel}


def _installed_from(wheel: str) -> dict[str, bytes]:
    """Return the wheel that this package was installed from, if it is still where it was.

    Installers note it in `direct_url.json` (the packaging guide's "Recording the direct URL
    origin of installed distributions").
    """
    origin = json.loads(metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    url = urlsplit(origin.get("url", ""))
    path = Path(url2pathname(url.path))
    if url.scheme != "file" or path.name != wheel or not path.is_file():
        return {}
    content, hashes = path.read_bytes(), origin.get("archive_info", {}).get("hashes", {})
    return {f"wheels/{wheel}": content} if hashes.get("sha256") == digest(content) else {}


def _template(name: str, texts: Mapping[str, str]) -> dict[str, bytes]:
    """Return a template's files by their paths, with texts for `{title}` and so on."""
    folder, marks = _TEMPLATES / name, re.compile(rf"\{{({'|'.join(texts)})\}}")
    return {
        path.relative_to(folder).as_posix().replace("dot-", "."): marks.sub(
            lambda mark: texts[mark[1]], path.read_text("utf-8")
        ).encode()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files to a temporary folder, and move them into place when all are written."""
    exists = folder.is_dir()
    with tempfile.TemporaryDirectory(prefix=".", dir=folder if exists else folder.parent) as aside:
        whole = Path(aside) / "whole"
        for name, content in files.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            (whole / name).write_bytes(content)
        for path in list(whole.iterdir()) if exists else [whole]:
            path.rename(folder / path.name if exists else folder)


def _next_commands(folder: Path) -> str:
    return (
        f"{folder} holds a report. Next:\n"
        f"    cd {shlex.quote(str(folder))}\n"
        "    make report    # builds report/report.pdf\n"
        "    make           # lists the other commands\n"
    )
