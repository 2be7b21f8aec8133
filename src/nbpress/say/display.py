"""The functions that notebooks call to add figures, tables, answers and claims to their report.

Each shows something in JupyterLab and gives the press the same thing as data, in one output of
the cell: a small record beside the picture or the Markdown. Nothing is written to disk, so a
notebook works without the press.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure

from nbpress.say.derivations import Prover, check_set, shown
from nbpress.say.last import as_last_numbered, in_press, last_name
from nbpress.say.markdown import pipe_table
from nbpress.say.memory import claims, recall, remember
from nbpress.say.pictures import close, identity, pictures
from nbpress.say.prose import Prose
from nbpress.say.records import (
    Answer,
    Claim,
    Derivation,
    Figure,
    Settings,
    Table,
    Values,
    task_of,
    validate_claim,
    validate_label,
    validate_task,
)
from nbpress.say.text import Text, TextError, read_text
from nbpress.say.truth import truth
from nbpress.say.typography import plain
from nbtypeset.schema import MIME_TYPE, VERDICTS, Caption, Record


def figure(fig: matplotlib_figure.Figure, label: str, caption: str, alt: str) -> None:
    """Show a figure and give the report its label, caption and text alternative.

    If caption and alternative need no code, the magic `%%figure` takes them as prose.

    Parameters
    ----------
    fig
        A matplotlib Figure, in the size in which it is to be printed.
    label
        The label for references such as `[Figure](#fig-2b)`: `fig-`, then lower-case letters,
        digits and hyphens.
    caption
        One or two sentences below the figure, in Markdown.
    alt
        What the figure shows, in words, for readers who cannot see it.

    Raises
    ------
    ValueError
        If the label is malformed, or the caption or the text alternative is empty.
    """
    validate_label(Figure, label)
    _check_text("caption", label, caption)
    _check_text("alt", label, alt)
    show_figure(fig, label, read_text(caption), read_text(alt))


def show_figure(fig: matplotlib_figure.Figure, label: str, caption: Text, alt: Text) -> None:
    """Show a figure whose texts may quote values of the task that its label names."""
    values = recall(task_of(label), [caption, alt])
    record = Figure(
        label, caption.set(values, claims), alt.set(values, claims, markdown=False), values
    )
    bundle = pictures(fig, salt=label) | {"text/plain": f"{label}: {record.alt}"}
    _show(record, bundle, identity(fig))
    _show_caption(record)
    close(fig)


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], label: str, caption: str
) -> None:
    """Show a table with cells in Markdown; give the report its label, `tab-…`, and caption.

    Raises
    ------
    ValueError
        If the label is malformed, the caption is empty, or a row differs in length from the header.
    """
    validate_label(Table, label)
    _check_text("caption", label, caption)
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"each row of {label} must have {len(header)} cells; got {list(row)}")
    quoting = read_text(caption)
    values = recall(task_of(label), [quoting])
    record = Table(label, quoting.set(values, claims), values)
    _show(record, {"text/markdown": pipe_table(header, rows)})
    _show_caption(record)


def record(task: str, /, **values: Any) -> None:
    """Record values of a task, whether they are quoted or not.

    `record("4e", squared_norm=norms)` records `4e.squared_norm`. Texts of task 4e that quote
    `squared_norm` use this value; what is not recorded they take from the notebook's variables.

    Raises
    ------
    TypeError
        If JSON cannot hold a value; it cannot hold NaN or infinity.
    """
    validate_task(task)
    recorded = remember(task, values)
    text = "\n".join(f"{task}.{name} = {value!r:.100}" for name, value in recorded.items())
    _show(Values(task, recorded), {"text/plain": text})


def answer(task: str, text: str, /, **values: Any) -> None:
    """Show a passage of prose that code has put together, and record the values given with it.

    `answer("2d", "It stops after {{ stop_step:, }} steps.", stop_step=546)` shows the sentence
    with 546. Prose that needs no code belongs in a cell of its own, `%%answer 2d`.

    Raises
    ------
    ValueError
        If the text quotes a value that is neither given, nor recorded, nor a variable.
    TypeError
        If JSON cannot hold a value; it cannot hold NaN or infinity.
    """
    validate_task(task)
    quoting, given = read_text(text), remember(task, values)
    remember(task, recall(task, [quoting]))  # what code has quoted counts as recorded
    show_answer(task, quoting, given)


def show_answer(task: str, text: Text, given: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Show an answer with the values that it quotes."""
    values = {**given, **recall(task, [text])}
    _show(Answer(task, values), {"text/markdown": as_last_numbered(text.set(values, claims))})


def show_derivation(prose: Prose, prover: Prover) -> None:
    """Have a derivation's formulas proved, and show it; a refused formula stops the notebook.

    Raises
    ------
    TextError
        If a formula cannot be read, or the prover refuses it.
    """
    text = prose.texts["text"]
    values = recall(prose.task, [text])
    set_text = text.set(values, claims)
    check_set(set_text, prose.formulas)
    formulas = [(formula.kind, formula.latex) for formula in prose.formulas]
    verdicts = prover.prove(formulas)
    if len(verdicts) != len(formulas):
        raise TextError(1, f"the prover has judged {len(verdicts)} of {len(formulas)} formulas")
    for formula, verdict in zip(prose.formulas, verdicts, strict=True):
        if verdict.refusal:
            markdown = as_last_numbered(shown(set_text, prose.formulas, verdicts))
            _show(Caption(), {"text/markdown": markdown})
            raise TextError(formula.first + verdict.line, verdict.refusal)
    results = [result for verdict in verdicts for result in verdict.results]
    summary = prover.summary(verdicts)
    record = Derivation(prose.task, formulas, results, summary, values)
    markdown = f"{shown(set_text, prose.formulas, verdicts)}\n\n✓ {summary}"
    _show(record, {"text/markdown": as_last_numbered(markdown)})


def settings(suits: Mapping[str, Any] = MappingProxyType({}), /, **values: Any) -> None:
    """Record the values used for parameters that are None, whose values depend on the data set.

    After `settings({"batch_size": 64}, batch_size=128)`, the report's provenance states 128 for it,
    and a notice that it was changed gives 64 as the data set's own value.
    """
    plain_values, plain_suits = (
        {name: plain(name, value) for name, value in each.items()} for each in (values, suits)
    )
    text = ", ".join(f"{name} = {value}" for name, value in plain_values.items())
    _show(Settings(plain_values, plain_suits), {"text/plain": text})


def claim(
    task: str,
    id: str,
    text: str,
    holds: object,
    otherwise: str | None = None,
    *,
    by: str = "we",
) -> None:
    """State something if it holds; otherwise state what was observed instead.

    Parameters
    ----------
    task
        The task that the claim belongs to, "4e".
    id
        Its name in report.yaml, "norm-falls": lower-case letters, digits and hyphens.
    text
        The claim, in Markdown without a full stop: "‖w‖² falls as λ grows".
    holds
        Whether it holds, as computed: a bool of Python, NumPy or SymPy, and nothing else.
    otherwise
        What was found if it does not hold; the sentence goes on with what was expected.
    by
        Who expected it, "the report of 2022".

    Notes
    -----
    The press refuses to publish a report in which a claim that report.yaml lists for the data
    set is false or was not made.
    """
    validate_task(task)
    validate_claim(id)
    is_so = claims[id] = truth(holds)
    failed = f"{otherwise}; {by} expected that {text}" if otherwise else f"it is not so that {text}"
    texts = read_text(text), read_text(failed)
    values = recall(task, texts)
    text, otherwise = (each.set(values, claims) for each in texts)
    sentence = text if is_so else otherwise
    mark = f"✓ {VERDICTS['checked']}" if is_so else f"✗ {VERDICTS['otherwise']}"
    record = Claim(task, id, text, is_so, f"{sentence}.", values)
    _show(record, {"text/markdown": f"{mark}: {sentence}."})


def _show(record: Record, bundle: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    from IPython.display import display

    data = {MIME_TYPE: record.to_json(), **bundle}
    display(data, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


def _show_caption(record: Figure | Table) -> None:
    """Show the caption, but not under the press: documents take it from the figure's record."""
    if not in_press():
        caption = f"**{last_name(record.label)}:** {as_last_numbered(record.caption)}"
        _show(Caption(), {"text/markdown": caption})


def _check_text(what: str, label: str, text: str) -> None:
    if not text.strip():
        raise ValueError(f"the {what} of {label} must not be empty; got {text!r}")
