"""Derivations: how their formulas are read, proved by a prover, and published."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import TinyProject, notebook

from nbpress.errors import PressError
from nbpress.project.notebook import Cell, Notebook
from nbpress.project.texts import faults
from nbpress.publish.complete import check_proofs
from nbpress.publish.references import Number, names_of, number, resolve_references
from nbpress.run.said import Said
from nbpress.say import memory
from nbpress.say.derivations import (
    Formula,
    check_set,
    is_among,
    prover_of,
    read_formulas,
    set_formulas,
    shown,
)
from nbpress.say.display import show_derivation
from nbpress.say.prose import read_prose
from nbpress.say.records import Derivation
from nbpress.say.text import TextError
from nbtypeset.schema import MIME_TYPE


@dataclass
class Verdict:
    """The tests' prover's verdict on a formula."""

    refusal: str
    line: int
    results: Sequence[str]


class Prover:
    """Refuses every formula with a plus sign, and takes all others for proved."""

    def prove(self, formulas: Sequence[tuple[str, str]]) -> list[Verdict]:
        """Judge formulas."""
        return [
            Verdict(f"no plus in ${latex}$", latex.count("\n", 0, latex.index("+")), [])
            if "+" in latex
            else Verdict("", 0, [latex] if kind == "prove" else [])
            for kind, latex in formulas
        ]

    def summary(self, verdicts: Sequence[Verdict]) -> str:
        """Say how many equalities there are."""
        return f"equalities: {sum(len(verdict.results) for verdict in verdicts)}."


IMPORTS = """\
from __future__ import annotations
from collections.abc import Sequence
from dataclasses import dataclass

"""
BODY = r"""With $a$ twice as large,

$$ % define
a := 2 b
$$

it follows that

$$ % prove eq-half
b = \frac{a}{2}
$$

for a sum of {{ total:g }}."""
SOURCE = f"%%derivation 1a prover\n{BODY}"
FORMULAS = [["define", "a := 2 b"], ["prove", r"b = \frac{a}{2}"]]
RECORD = Derivation("1a", FORMULAS, [r"b = \frac{a}{2}"], "equalities: 1.", {"total": 6})


def fault(body: str, first: int = 1) -> str:
    """Return why a derivation's formulas cannot be read."""
    with pytest.raises(TextError) as error:
        read_formulas(body, first)
    return str(error.value)


def html(project: TinyProject) -> str:
    """Build the page, which must succeed, and return it."""
    result = project.run("html")
    assert result.status == 0, result.err
    return (project.root / "report" / "report.html").read_text("utf-8")


def refusal(project: TinyProject) -> str:
    """Try to build a report, which must fail and change nothing; return the message."""
    former = project.published()
    result = project.run("report")
    assert result.status == 1
    assert project.published() == former
    assert "Traceback" not in result.err
    return result.err


def derive(project: TinyProject, old: str, new: str) -> None:
    """Replace text in the derivation of the tiny project."""
    assert old in SOURCE
    project.edit_cell("1_sums.ipynb", "derivation", SOURCE.replace(old, new))


@pytest.fixture(scope="module")
def _proved_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = TinyProject(tmp_path_factory.mktemp("proved") / "tiny").write()
    source = "\n\n\n".join(map(inspect.getsource, (Verdict, Prover)))
    (project.root / "src" / "tiny" / "prover.py").write_text(IMPORTS + source, "utf-8")
    project.edit("report/report.yaml", "[answer, claim]", "[answer, claim, derivation]")
    project.edit("report/report.yaml", "claims:\n", "proofs: {1a: 'b = \\frac a 2'}\nclaims:\n")
    path = project.root / "notebooks" / "1_sums.ipynb"
    added = notebook(
        [
            ("prover", "from tiny.prover import Prover\nprover = Prover()"),
            ("derivation", SOURCE),
        ]
    )
    content = json.loads(path.read_text("utf-8"))
    content["cells"] += added["cells"]
    path.write_text(json.dumps(content), "utf-8")
    project.edit("notebooks/2_pictures.ipynb", "shows it.", "shows it, by [Equation](#eq-half).")
    project.report()
    return project.root


@pytest.fixture
def proved(_proved_once: Path, tmp_path: Path) -> TinyProject:
    """Return a project with a derivation in its first chapter, whose report is published."""
    return TinyProject(shutil.copytree(_proved_once, tmp_path / "proved"))


# ---- What is read of a derivation without a kernel ----------------------------------------------


def test_formula_has_class_latex_label_and_line() -> None:
    """The opening comment is not part of the LaTeX; an escaped dollar opens nothing."""
    body = "For \\$$5:\n$$  % assume  eq-a-1 \n\n x = 1\n\n$$\n and $y$ $$%prove\ny\n$$"
    assert read_formulas(body, 3) == [
        Formula("assume", "x = 1", "eq-a-1", 4, 6),
        Formula("prove", "y", "", 9, 10),
    ]


@pytest.mark.parametrize("opening", ["$$", "$$ % prove Eq-a", "$$ % prove x", "$$ prove"])
def test_formula_must_say_how_it_is_meant(opening: str) -> None:
    """A formula without a class is refused: it would look like one that was judged."""
    assert fault(f"A\n\n{opening}\nx\n$$", 2) == (
        "line 4: a formula must begin with '$$ % define', '$$ % assume' or '$$ % prove', and "
        f"may add a label, 'eq-gradient'; got {opening!r}"
    )


def test_class_that_does_not_exist() -> None:
    """The message names the class that was probably meant, or else all classes."""
    assert fault("$$ % proof eq-a\nx\n$$").endswith("'; did you mean 'prove'?")
    assert fault("$$ % xyz\nx\n$$").endswith("'; known: assume, define, prove")


def test_formula_quotes_no_value() -> None:
    """With a quoted value, the prover would read another formula on each data set."""
    message = "line 3: a formula of a derivation must not quote values"
    assert fault("{{ n }}\n\n$$ % prove\nx = {{ n }}\n$$") == message


@pytest.mark.parametrize("condition", ["{{ if up }}", "{{ if up }}up{{ else }}"])
def test_formula_depends_on_no_claim(condition: str) -> None:
    """A formula that was proved but is not shown would give its mark to another."""
    body = f"{{{{ if up }}}}Up{{{{ end }}}}\n\n{condition}\n$$ % prove\nx\n$$\n{{{{ end }}}}"
    assert fault(body) == "line 4: a formula of a derivation must not depend on a claim"


@pytest.mark.parametrize(
    "text",
    [
        "$$ % prove\nx\n\\tag{3}\n$$",
        "$$ % prove\nx\n\\label{a}\n$$",
        "$$ % prove\nx\n$$\n\\begin{align} 1 = 2 \\tag{3} \\end{align}",
    ],
)
def test_formula_has_the_number_of_the_report_alone(text: str) -> None:
    """Marks stand beside numbers, so an unproved formula must not set its own number."""
    given = "\\label" if "label" in text else "\\tag"
    line = text.count("\n", 0, text.index(given)) + 1
    assert fault(text) == (
        f"line {line}: the report numbers the formulas of a derivation: leave out {given}; a "
        "label follows the class, '$$ % prove eq-gradient'"
    )


@pytest.mark.parametrize("macro", [r"\def\cdot{+}", r"\renewcommand{\cdot}{+}", r"\let\a\b"])
def test_macro_is_refused(macro: str) -> None:
    """A macro in the words is refused as well: it would change the formulas that follow."""
    name = re.match(r"\\[a-z]+", macro)[0]  # type: ignore[index]
    assert fault(f"By\n${macro}$\n\n$$ % prove\nx\n$$") == (
        f"line 2: a formula must display exactly what is proved: leave out {name}, which could "
        "change what it displays"
    )


@pytest.mark.parametrize("opening", [r"\begin{align}", r"\\["])
def test_display_of_another_kind_is_refused(opening: str) -> None:
    """Other displays would stand among those that are judged; in code they are allowed."""
    text = "$$ % prove\nx\n$$\n"
    assert fault(f"{text}{opening} 1 = 2") == (
        f"line 4: a formula of a derivation must be displayed by '$$': leave out {opening}"
    )
    assert len(read_formulas(f"{text}`{opening}`")) == 1


@pytest.mark.parametrize("indent", ["    ", "\t", "  \t", ">     ", "-     ", "     x "])
def test_formula_indented_like_code_is_refused(indent: str) -> None:
    """Code is not displayed as a formula and has no mark, so it must not count as proved."""
    body = f"By\n\n{indent}$$ % prove\n{indent}x\n{indent}$$"
    message = "a formula indented by four blanks could be code: indent it less"
    assert fault(body) == f"line 3: {message}"
    assert fault(body, 7) == f"line 9: {message}"


@pytest.mark.parametrize("indent", ["", "   ", "> ", "- ", "By     "])
def test_formula_may_be_indented_by_up_to_three_blanks(indent: str) -> None:
    """It is displayed in lists and quotations, too; how its own lines are indented is free."""
    assert len(read_formulas(f"By\n\n{indent}$$ % prove\n        x\n    $$")) == 1


def test_cell_of_a_derivation() -> None:
    """A derivation has a task, the prover's variable, quoted values, and formulas."""
    prose = read_prose(f"\n{SOURCE}")
    assert prose is not None
    assert (prose.kind, prose.task, prose.variable) == ("derivation", "1a", "prover")
    assert [quote.name for quote in prose.quotes] == ["total"]
    assert [[f.kind, f.latex] for f in prose.formulas] == FORMULAS
    assert [(f.label, f.line) for f in prose.formulas] == [("", 5), ("eq-half", 11)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%derivation 1a\nx", "line 1: expected %%derivation TASK PROVER, as '%%derivation"),
        ("%%derivation 1a p q\nx", "line 1: expected %%derivation TASK PROVER, as '%%deriv"),
        ("%%derivation x1 p\nx", "line 1: a task's name must be like '2d'"),
        (
            "%%derivation 1a p.q\nx",
            "line 1: expected the variable that holds the prover; got 'p.q'",
        ),
        ("%%derivation 1a p\n \n", "line 2: the text is empty"),
        ("%%derivation 1a p\n\n$$\nx\n$$", "line 3: a formula must begin"),
        ("%%derivation 1a p\n{{ 1 + 1 }}", "line 2: {{ 1 + 1 }} is not a placeholder"),
    ],
)
def test_malformed_cell(source: str, message: str) -> None:
    """The message has its line, in the kernel as in the press."""
    with pytest.raises(TextError) as error:
        read_prose(source)
    assert str(error.value).startswith(message)


def test_faults_of_labels() -> None:
    """A label used twice, or referred to by another name, is reported before anything runs."""
    cells = ["%load_ext nbpress\nprover = 1", SOURCE, SOURCE.replace("1a", "1b", 1)]
    code = tuple(Cell(str(i), "code", source, ()) for i, source in enumerate(cells))
    text = Cell("text", "markdown", "See\n[Equation](#eq-halve), [it](#eq-half).", ())
    reported = faults([Notebook(Path("1.ipynb"), (*code, text), {})])
    other = ("total", "is under no task")
    messages = [text for each in reported if not any(part in (text := str(each)) for part in other)]
    assert messages == [
        "1.ipynb, cell 3, line 10: 'eq-half' is already used in 1.ipynb, cell 2",
        "1.ipynb, cell 4, line 2: '[Equation](#eq-halve)' leads nowhere; did you mean 'eq-half'?",
    ]


# ---- What of a derivation makes its chapter run -------------------------------------------------


def key_of(source: str) -> list[Any]:
    """Return what a notebook with one derivation depends on."""
    cells = (Cell("a", "code", source, ()),)
    return Notebook(Path("1.ipynb"), cells, {}).in_key()


def test_formulas_and_prover_are_in_it() -> None:
    """Words, labels and blanks around a formula are not."""
    key = key_of(SOURCE)
    assert key == [["a", "derivation", "1a prover", *FORMULAS]]
    for old, new in (
        ("it follows", "we get"),
        (" eq-half", ""),
        ("a := 2 b\n", " a := 2 b\n\n"),
    ):
        assert key_of(SOURCE.replace(old, new)) == key
    for old, new in (("prove eq", "assume eq"), ("2 b", "3 b"), ("1a prover", "1a other")):
        assert key_of(SOURCE.replace(old, new)) != key


def said_of(source: str, *recorded: Derivation, ran: str = SOURCE) -> Said:
    """Return what a derivation says after a run that recorded this."""
    (executed,) = notebook([("a", ran)])["cells"]
    executed["outputs"] = [{"data": {MIME_TYPE: record.to_json()}} for record in recorded]
    return Said(
        Notebook(Path("1.ipynb"), (Cell("a", "code", source, ()),), {}),
        json.loads(json.dumps([executed])),
    )


def test_words_are_those_of_today() -> None:
    """The record is the run's; the words are current, with the values that they quote now."""
    said = said_of(SOURCE.replace("it follows", "we get"), RECORD)
    record, text = said.prose["a"]
    assert record == RECORD
    assert "we get that\n\n$$ % prove eq-half\n" in text
    assert text.endswith("for a sum of 6.")
    assert said.values["1a.total"]["value"] == 6
    ((record, _),) = said_of(SOURCE.replace("{{ total:g }}", "it"), RECORD).prose.values()
    assert record.to_json()["values"] == {}


@pytest.mark.parametrize(("old", "new"), [("prove", "assume"), ("2 b", "3 b"), ("$a$", "$$")])
def test_other_formulas_than_the_run_read(old: str, new: str) -> None:
    """Nothing was proved about them, so the chapter has to run."""
    source = SOURCE.replace(old, new) if new != "$$" else f"{SOURCE}\n$$ % prove\n1 = 2\n$$"
    source = source.replace("1a assumer", "1a prover")
    said = said_of(source, RECORD)
    assert said.lacking == ["1.ipynb, cell 1, needs a proof"]
    assert said.prose == {}


def test_run_that_proved_nothing() -> None:
    """The chapter has to run in this case, too."""
    source = SOURCE.replace("{{ total:g }}", "it")
    assert said_of(source).lacking == ["1.ipynb, cell 1, needs a proof"]


def test_value_that_displays_a_formula() -> None:
    """It is refused: nobody proved the formula, and it would take another's mark."""
    values = {"total": "$$ % prove\n1 = 2\n$$"}
    record = Derivation("1a", FORMULAS, [], "None.", values)
    with pytest.raises(PressError, match=r"^1\.ipynb, cell 1, line \d+: a formula must begin"):
        said_of(SOURCE.replace(":g", ""), record)


# ---- What a derivation looks like in JupyterLab, and what its cell records ----------------------


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list that every bundle shown is added to; no number is known."""
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: bundles.append(data))
    monkeypatch.setattr(memory, "_variables", lambda: {"total": 6})
    monkeypatch.setenv("NBPRESS_RUN", "1")
    return bundles


def show(source: str) -> None:
    """Have a derivation proved."""
    prose = read_prose(source)
    assert prose is not None
    show_derivation(prose, Prover())


def test_proved_derivation(bundles: list[dict[str, Any]]) -> None:
    """Only what is proved has a ✓, and the text below says how much that is."""
    show(SOURCE)
    (bundle,) = bundles
    assert json.loads(json.dumps(bundle[MIME_TYPE])) == RECORD.to_json()
    assert bundle["text/markdown"] == (
        "With $a$ twice as large,\n\n$$\na := 2 b\n$$\n\nit follows that\n\n"
        "$$\nb = \\frac{a}{2}\n\\tag{✓}\n\\label{half}\n$$\n\nfor a sum of 6.\n\n"
        "✓ equalities: 1."
    )


def test_refused_formula_stops_the_notebook(bundles: list[dict[str, Any]]) -> None:
    """The formula and its line are shown, and no record says that anything was proved."""
    with pytest.raises(TextError) as error:
        show(SOURCE.replace("b = \\frac", "b = b\\\\\n= b + \\frac"))
    assert str(error.value) == "line 12: no plus in $b = b\\\\\n= b + \\frac{a}{2}$"
    (bundle,) = bundles
    assert bundle[MIME_TYPE] == {"kind": "caption"}
    assert "\\label{half}\n$$\n\n**✗ no plus in b = b" in bundle["text/markdown"]
    assert "✓" not in bundle["text/markdown"]


def test_value_that_displays_a_formula_stops_it(
    bundles: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a value stops the derivation in the kernel as in the press."""
    monkeypatch.setattr(memory, "_variables", lambda: {"total": "$$ 1 = 2 $$"})
    with pytest.raises(TextError, match="a formula must begin"):
        show(SOURCE.replace(":g", ""))
    assert bundles == []


def test_reference_has_the_number_of_the_last_build(
    bundles: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab shows that number; the press sets the current one."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.yaml").touch()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "names.json").write_text('{"eq-half": "Equation 7"}', "utf-8")
    monkeypatch.chdir(tmp_path)
    source = SOURCE.replace("it follows", "by [Equation](#eq-half) and [](#eq-z) it follows")
    show(source)
    monkeypatch.delenv("NBPRESS_RUN")
    show(source)
    press, lab = (bundle["text/markdown"] for bundle in bundles)
    assert "by [Equation](#eq-half) and [](#eq-z) it" in press
    assert "by [Equation 7](#eq-half) and [Equation](#eq-z) it" in lab


def test_reasons_stand_below_the_formulas_they_are_about() -> None:
    """They quote formulas without dollars, so that Markdown sees none in them."""
    body = "$$ % define\na\n$$\n$$ % prove\nb\n$$\n$$ % prove eq-c\nc\n$$\nEnd."
    verdicts = [Verdict("", 0, []), Verdict("not $b$", 0, []), Verdict("", 0, ["c"])]
    assert shown(body, read_formulas(body), verdicts) == (
        "$$\na\n$$\n$$\nb\n$$\n\n**✗ not b**\n\n$$\nc\n\\tag{✓}\n\\label{c}\n$$\nEnd."
    )
    refused = [Verdict("why", 0, []), *verdicts[1:]]
    assert shown(body, read_formulas(body), refused).startswith("$$\na\n$$\n\n**✗ why**\n")


def test_tags_are_set_in_their_order() -> None:
    """An empty tag leaves its formula without a number; the comment's content is gone."""
    body = "$$ % define eq-a\na\n$$ and $$ % prove\nb\n$$"
    assert set_formulas(body, iter(["1", ""])) == ("$$\na\n\\tag{1}\n\\label{a}\n$$ and $$\nb\n$$")


def test_text_that_displays_what_was_written() -> None:
    """Words and labels do not matter; a formula added, removed or changed is refused."""
    formulas = read_formulas(BODY)
    check_set(BODY.replace("it follows", "so").replace(" eq-half", ""), formulas)
    for text in ("", f"{BODY}\n$$ % define\nc\n$$", BODY.replace("2 b", "3 b")):
        with pytest.raises(TextError, match="a quoted value displays a formula"):
            check_set(text, formulas)


def test_variable_that_is_no_prover() -> None:
    """It is refused, and so is a variable that does not exist."""
    variables = {"prover": Prover(), "other": 5}
    assert prover_of(variables, "prover") is variables["prover"]
    with pytest.raises(TextError) as error:
        prover_of(variables, "provr")
    message = "line 1: no variable is called 'provr'; did you mean 'prover'?"
    assert str(error.value) == message
    with pytest.raises(TextError) as error:
        prover_of(variables, "other")
    assert "other is not a prover: it lacks the methods 'prove' and 'summary'" in str(error.value)
    half = type("Half", (), {"prove": None})()
    with pytest.raises(TextError, match="is not a prover"):
        prover_of({"half": half}, "half")


# ---- What the press makes of the records, without a build ---------------------------------------


def cell(task: str = "1a", text: str = BODY, **changes: Any) -> dict[str, Any]:
    """Return a bound cell with a derivation."""
    record = {**Derivation(task, FORMULAS, ["b = c"], "[](#eq-half).").to_json(), **changes}
    return {
        "cell_type": "code",
        "id": "a",
        "metadata": {"nbpress": {"notebook": "1.ipynb", "cell": 5}},
        "outputs": [{"data": {MIME_TYPE: record, "text/markdown": text}}],
    }


def test_formulas_are_numbered_in_the_order_of_the_report() -> None:
    """With or without labels; references in text and summary have the number."""
    cells = [cell(text="$$ % assume\nz\n$$"), cell(text=f"{BODY} [](#eq-half)")]
    numbers = number(cells)
    assert numbers == {"eq-half": Number("Equation", 3)}
    resolve_references(cells, names_of(cells, numbers))
    data = cells[1]["outputs"][0]["data"]
    assert re.findall(r"\\tag\{(\d+)\}", data["text/markdown"]) == ["2", "3"]
    assert "% " not in data["text/markdown"]
    assert data["text/markdown"].endswith("[Equation 3](#eq-half)")
    assert data[MIME_TYPE]["summary"] == "[Equation 3](#eq-half)."


def test_label_that_is_used_twice() -> None:
    """It is refused, and the message names both places."""
    with pytest.raises(PressError) as error:
        number([cell(), cell()])
    assert str(error.value) == (
        "1.ipynb, cell 5: the label 'eq-half' is already used in 1.ipynb, cell 5"
    )


def test_result_that_is_listed_must_be_proved() -> None:
    """It must be proved in its own task; the message says what was proved instead."""
    cells = [cell("1b"), cell("1a", results=["x = y", "z = 1"])]
    check_proofs({"1b": "b=c", "1a": "z = {1}"}, cells)
    with pytest.raises(PressError) as error:
        check_proofs({"1a": "b = c"}, cells)
    assert str(error.value) == (
        "report.yaml expects a proof in task 1a of\n  b = c\nbut this is proved:\n"
        "  x = y\n  z = 1\nIn the derivation, put '% prove' above the equality; its first and "
        "last members must match."
    )
    with pytest.raises(PressError, match="but this is proved:\n  nothing\n"):
        check_proofs({"2a": "b = c"}, cells)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\frac{a}{2} = b", r" \frac a 2=b "),
        (r"x_{i}^{n} &= \left( y \right)\, z,", r"x_i^n = (y) z"),
        (r"a \quad = b\;c.", r"a = b c"),
    ],
)
def test_blanks_and_braces_of_one_sign_do_not_count(one: str, other: str) -> None:
    """Commands that only set space or size, and a full stop at the end, do not count either."""
    assert is_among(one, ["x", other])
    assert is_among(other, [one])


@pytest.mark.parametrize(
    ("one", "other"),
    [("x_{12}", "x_1 2"), ("a = b", "b = a"), (r"\leftarrow a", "arrow a"), ("a", "A")],
)
def test_everything_else_counts(one: str, other: str) -> None:
    """Another formula is another result."""
    assert not is_among(one, [other])
    assert not is_among(one, [])


# ---- Derivations through the command line -------------------------------------------------------


def test_proved_formula_has_number_and_mark(proved: TinyProject) -> None:
    """A definition has only a number; another chapter's reference shows the formula's number."""
    page = html(proved)
    assert re.findall(r'<span class="(tag[^"]*)"[^>]*>([^<]*)<', page) == [
        ("tag", "(1)"),
        ("tag proved", "(2)"),
    ]
    assert '<a href="#eq-half">Equation\N{NO-BREAK SPACE}2</a>' in page
    assert "<p>equalities: 1.</p>" in page
    assert "% prove" not in page
    names = json.loads((proved.root / "build" / "names.json").read_text("utf-8"))
    assert names["eq-half"] == "Equation 2"


def test_word_or_label_executes_nothing_and_is_in_the_report(proved: TinyProject) -> None:
    """The mark and the values stay."""
    values = proved.values
    former = proved.published()["report.pdf"]
    derive(proved, "it follows that", "we find:")
    result = proved.report()
    assert result.executed == {}, result.err
    assert proved.published()["report.pdf"] != former
    page = html(proved)
    assert "we find:" in page
    assert "it follows" not in page
    assert page.count('class="tag proved"') == 1
    assert proved.values == values
    derive(proved, "eq-half", "eq-other")
    proved.edit("notebooks/2_pictures.ipynb", "#eq-half", "#eq-other")
    assert proved.report().executed == {}
    assert '<a href="#eq-other">Equation\N{NO-BREAK SPACE}2</a>' in html(proved)


def test_changed_formula_or_class_runs_its_chapter_again(proved: TinyProject) -> None:
    """No other chapter runs; a class that another formula had gets no mark."""
    derive(proved, "a := 2 b", "a := b 2")
    assert list(proved.report().executed) == ["1_sums"]
    assert "a := b 2" in html(proved)
    derive(proved, "% define", "% prove")
    assert list(proved.report().executed) == ["1_sums"]
    assert html(proved).count('class="tag proved"') == 2


def test_refused_formula_stops_the_build(proved: TinyProject) -> None:
    """The message has cell and line; the former report stays, and the next build tries again."""
    derive(proved, r"b = \frac{a}{2}", "b\n= a + b")
    for _ in range(2):
        err = refusal(proved)
        assert "1_sums.ipynb: cell 9 (derivation)" in err
        assert "line 12: no plus in $b\n= a + b$" in err


def test_listed_result_that_is_only_defined_stops_the_build(proved: TinyProject) -> None:
    """The chapter runs, but does not prove a result that report.yaml lists."""
    derive(proved, "% prove", "% define")
    err = refusal(proved)
    assert "report.yaml expects a proof in task 1a of\n  b = \\frac a 2\nbut" in err


def test_task_without_its_derivation_stops_the_build(proved: TinyProject) -> None:
    """A claim does not count as a derivation."""
    proved.edit("report/report.yaml", "{1a: 'b", "{2a: 'b")
    proved.edit_cell("1_sums.ipynb", "derivation", "%%answer 1a\nSee.")
    proved.edit("notebooks/2_pictures.ipynb", "[Equation](#eq-half)", "nothing")
    assert "the report is incomplete: task 1a has no derivation" in refusal(proved)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "it follows",
            "by [Equation](#eq-haf) it follows",
            "1_sums.ipynb, cell 9, line 8: '[Equation](#eq-haf)' leads nowhere; did you mean "
            "'eq-half'?",
        ),
        (
            "% define",
            "% define eq-half",
            "1_sums.ipynb, cell 9, line 10: 'eq-half' is already used in 1_sums.ipynb, cell 9",
        ),
        (
            "2 b",
            "{{ total }} b",
            "1_sums.ipynb, cell 9, line 4: a formula of a derivation must not quote values",
        ),
        (
            "1a prover",
            "1a provr",
            "cell 9, line 1: no variable is called 'provr'; did you mean 'prover'?",
        ),
        (
            "1a prover",
            "1a sums",
            "line 1: sums is not a prover: it lacks the methods 'prove' and 'summary'",
        ),
    ],
)
def test_fault_is_told_with_its_place(
    proved: TinyProject, old: str, new: str, message: str
) -> None:
    """Faults that need no kernel are reported without one."""
    derive(proved, old, new)
    err = refusal(proved)
    assert message in err
    assert re.search(r"1_sums\.ipynb[:,] cell 9", err)
    assert ("runs" in err) == ("not a prover" in message)


@pytest.mark.parametrize("shown", ["<p>&#36;&#36;1 = 2&#92;tag{2}&#36;&#36;</p>\n\n", ""])
def test_proof_that_readers_do_not_see_stops_the_build(proved: TinyProject, shown: str) -> None:
    """Neither does a formula in its place get the mark, nor does the report claim a proof."""
    before, proof = SOURCE.split("$$ % prove")
    source = f"{before}{shown}<script>\n$$ % prove{proof}\n</script>"
    proved.edit_cell("1_sums.ipynb", "derivation", source)
    err = refusal(proved)
    assert "cannot be rendered: 1_sums.ipynb, cell 9: the derivation must show the formulas" in err
    assert "expected $b = \\frac{a}{2}$ next, got" in err


@pytest.mark.parametrize(
    "code",
    [
        "from tiny.prover import Prover\nprover = Prover()\n"
        'get_ipython().run_cell_magic("derivation", "1a prover", "$$ % prove\\n1 = 1\\n$$")',
        "from IPython.display import display\n"
        f"display({{{MIME_TYPE!r}: "
        "{'kind': 'derivation', 'task': '1a', 'summary': 'all.', 'results': ['1 = 2'], "
        "'formulas': [['prove', '1 = 2']]}, 'text/markdown': '$$\\n1 = 2\\n$$'}, raw=True)",
    ],
)
def test_derivation_that_code_shows_is_refused(proved: TinyProject, code: str) -> None:
    """Code could show anything; a mark is only for what stands in the notebook."""
    proved.edit_cell("1_sums.ipynb", "claim", code)
    assert (
        "1_sums.ipynb, cell 7: a derivation shown by code does not count; write it in "
        "a cell of its own, '%%derivation TASK PROVER'" in refusal(proved)
    )
