"""What a notebook says to its report: figures, tables, answers and claims.

Each function shows something in JupyterLab and hands the press the same thing as data, in one
output of the cell: next to the picture or the Markdown stands `MIME_TYPE` with a small record.
Nothing is written to disk, so a notebook works without the press.
"""

from __future__ import annotations

import io
import json
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from nbtypeset.schema import MIME_TYPE

_PNG_DPI = 200
_LABEL = re.compile(r"[a-z][a-z0-9-]*")
_TASK = re.compile(r"[0-9]+[a-z]?|[A-Z]")


def figure(fig: Figure, label: str, caption: str, alt: str) -> None:
    """Show a figure and give the report its label, caption and text alternative.

    Parameters
    ----------
    fig
        A matplotlib Figure, at the size at which it is to be printed.
    label
        What the prose refers to, as `[Figure](#label)`: small letters, digits and hyphens.
    caption
        One or two sentences below the figure, Markdown.
    alt
        What the figure shows, in words, for those who cannot see it.

    Raises
    ------
    ValueError
        If the label is malformed, or caption or text alternative is empty.
    """
    _check_label(label)
    _check_text("caption", label, caption)
    _check_text("alt", label, alt)
    import matplotlib as mpl

    svg, png = io.StringIO(), io.BytesIO()
    # Fixed salt and no date: the same figure gives the same bytes. Paths need no fonts to print.
    with mpl.rc_context({"svg.hashsalt": label, "svg.fonttype": "path"}):
        fig.savefig(svg, format="svg", metadata={"Date": None})
    fig.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    import base64

    _show(
        {"kind": "figure", "label": label, "caption": caption, "alt": alt},
        {
            "image/svg+xml": svg.getvalue(),
            "image/png": base64.b64encode(png.getvalue()).decode("ascii"),
            "text/plain": f"{label}: {alt}",
        },
    )


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], label: str, caption: str
) -> None:
    """Show a table, cells in Markdown, and give the report its label and caption.

    Raises
    ------
    ValueError
        If the label is malformed, the caption empty, or a row longer or shorter than the header.
    """
    _check_label(label)
    _check_text("caption", label, caption)
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"each row of {label} must have {len(header)} cells; got {list(row)}")
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    _show({"kind": "table", "label": label, "caption": caption}, {"text/markdown": text})


def answer(task: str, text: str, **values: Any) -> None:
    """Show a passage of prose whose numbers are computed, and record them.

    `answer("2d", "It stops after {stop_step:,} steps.", stop_step=546)` shows the sentence with
    546 and records the value as `2d.stop_step`. Every value is recorded, quoted or not. Braces
    of LaTeX are doubled, as in `str.format`.

    Raises
    ------
    ValueError
        If the text quotes a value that was not given.
    TypeError
        If a value is nothing that JSON can hold.
    """
    _check_task(task)
    fields = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    missing = sorted({re.split(r"[.\[]", name)[0] for name in fields} - values.keys())
    if missing:
        raise ValueError(
            f"the answer to {task} quotes {', '.join(missing)}; "
            f"given: {', '.join(values) or 'nothing'}"
        )
    recorded = {name: _plain(name, value) for name, value in values.items()}
    _show(
        {"kind": "answer", "task": task, "values": recorded},
        {"text/markdown": _PROSE.vformat(text, (), values)},
    )


def claim(task: str, text: str, holds: object, otherwise: str | None = None) -> None:
    """State something only if it holds; else say what was found instead.

    Parameters
    ----------
    task
        The task that the claim belongs to, "4e".
    text
        The claim, Markdown without a full stop: "‖w‖² falls as λ grows".
    holds
        Its truth, computed: a bool of Python or NumPy.
    otherwise
        What to say when it does not hold; by default that the text does not hold here.

    Notes
    -----
    The press refuses to publish a report in which a claim that report.yaml expects is false or
    was not made.
    """
    _check_task(task)
    truth = bool(holds)
    shown = text if truth else otherwise or f"it does not hold on these data that {text}"
    _show(
        {"kind": "claim", "task": task, "text": text, "holds": truth, "sentence": f"{shown}."},
        {"text/markdown": f"{'✓ Checked' if truth else '✗ Found instead'}: {shown}."},
    )


def proof(task: str, statement: str, holds: object) -> None:
    """State what a machine has proved; a proof that fails stops the notebook.

    Unlike a `claim`, which depends on the data, a proof has no otherwise.

    Raises
    ------
    ValueError
        If it does not hold.
    """
    _check_task(task)
    if not holds:
        raise ValueError(f"task {task}: the proof fails that {statement}")
    _show(
        {
            "kind": "claim",
            "task": task,
            "text": statement,
            "holds": True,
            "proved": True,
            "sentence": f"{statement}.",
        },
        {"text/markdown": f"✓ Proved: {statement}."},
    )


def prose(text: str, **values: Any) -> str:
    """Return a text with its numbers set as `answer` sets them, for the cells of a table."""
    return _PROSE.vformat(text, (), values)


def last_values(start: Path | None = None) -> dict[str, Any]:
    """Return the values of the last report, `{"2d.stop_step": 546, …}`; empty without one."""
    for folder in [here := (start or Path.cwd()).resolve(), *here.parents]:
        if (folder / "report" / "report.yaml").is_file():
            path = folder / "report" / "values.json"
            return (
                {k: v["value"] for k, v in json.loads(path.read_text("utf-8")).items()}
                if path.is_file()
                else {}
            )
    return {}


class _Prose(string.Formatter):
    """Formats numbers as print does: −0.5 with a minus sign, and 1.8 × 10⁻⁷ for 1.8e-07."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        if isinstance(value, bool | str) or not hasattr(value, "__float__"):
            return text
        mantissa, e, exponent = text.replace("-", "−").partition("e")
        if not e:
            return mantissa
        power = f"10{str(int(exponent.replace('−', '-'))).translate(_SUPERSCRIPT)}"
        return power if mantissa == "1" else f"{mantissa}\u00a0×\u00a0{power}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PROSE = _Prose()


def _show(record: dict[str, Any], bundle: dict[str, str]) -> None:
    from IPython.display import display

    display({MIME_TYPE: record, **bundle}, raw=True)  # type: ignore[no-untyped-call]


def _plain(name: str, value: Any) -> Any:
    """Turn NumPy's scalars and arrays, and tuples, into what JSON holds exactly."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(name, item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} must be a number, text, list or mapping; got {type(value).__name__}")


def _check_label(label: str) -> None:
    if not _LABEL.fullmatch(label):
        raise ValueError(f"a label has small letters, digits and hyphens, 'fig-2b'; got {label!r}")


def _check_text(what: str, label: str, text: str) -> None:
    if not text.strip():
        raise ValueError(f"the {what} of {label} must not be empty; got {text!r}")


def _check_task(task: str) -> None:
    if not _TASK.fullmatch(task):
        raise ValueError(f"a task is named like '2d' or 'A'; got {task!r}")
