"""Lists what is left to do before copied notebooks make a good report, without running them."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from nbpress.errors import PressError
from nbpress.new import DISTRIBUTION
from nbpress.new.adopt import Adopted
from nbpress.project.code import imported_modules, parse
from nbpress.project.declarations import declarations
from nbpress.project.notebook import INJECTED_TAG, Cell
from nbpress.project.texts import faults
from nbpress.project.typed import typed_numbers
from nbpress.publish.lint import wrong_formulas
from nbpress.run.plan import INJECTED
from nbpress.run.versions import installed_versions
from nbpress.say.markdown import VERBATIM, begun_in, blanked, task_names
from nbpress.say.prose import split_prose
from nbtypeset.schema import MIME_TYPE

_EXPORTER = "typst-pdf"  # which sets the report
ALTERNATIVE = "its figure has no text alternative"

_DRAWS = {
    *("plot", "scatter", "bar", "barh", "hist", "imshow", "show", "pie", "boxplot", "errorbar"),
    *("contour", "contourf", "pcolormesh", "fill_between", "stackplot", "violinplot"),
    *("heatmap", "histplot", "lineplot", "pairplot", "scatterplot"),  # seaborn's
}
# As a title or a label is shown, perhaps in a list of lines; the press hides addresses.
_PRINTED = re.compile(r"(?:\[[\"'])?Text\(")
_IMG = r"<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\s\"'>]+)"
_LINKED = re.compile(rf"\]\(([^)\s]+)\)|{_IMG}")
_ABSOLUTE = re.compile(r"/(?:[^/\n]+/)+[^/\n]+\.[A-Za-z]\w*")  # a file's path, as it looks
_PICTURES = re.compile(rf"!\[[^\]]*\]\(([^)\s]+)\)|{_IMG}")
_TIMES = re.compile(
    r"^\s*%%?time(?:it)?\b|\btime\.(?:time|perf_counter|ctime|process_time)\(|\b(?:now|today)\(\)",
    re.MULTILINE,
)
_SEEDS = re.compile(r"\bseed\(|\b(?:default_rng|RandomState|Random)\(\s*\w")
_DRAWS_NUMBERS = re.compile(
    r"\b(?:np|numpy)\.random\.[a-z]\w*\(|\bdefault_rng\(\s*\)"
    r"|\brandom\.(?:random|randint|uniform|gauss|choices?|sample|shuffle)\("
)
_ASKS = re.compile(r"(?<![\w.])(?:input|getpass)\(")
_INSTALLS = re.compile(r"^\s*[!%]\s*(?:pip|conda|mamba)\s+install\b", re.MULTILINE)


def left_to_do(adopted: Sequence[Adopted]) -> list[str]:
    """Return what is left to do, in the order of the cells: "a.ipynb, cell 3: …".

    A cell counts as having a figure if the original's outputs show one; where they were not saved,
    if its code seems to draw one.
    """
    lines: list[tuple[int, int, str]] = []
    names = [each.notebook.path.name for each in adopted]
    notebooks = [each.notebook for each in adopted]
    for fault in [*faults(notebooks), *wrong_formulas(notebooks, [_EXPORTER])]:
        lines.append((names.index(fault.notebook), fault.cell, str(fault)))
    for index, each in enumerate(adopted):
        if each.is_named:
            lines.append((index, 1, f"{names[index]}, cell 1: write a title (now the file's name)"))
        if typed := list(typed_numbers(each.notebook)):
            numbers = f"{len(typed)} numbers are" if typed[1:] else "a number is"
            said = (
                f"{names[index]}: {numbers} typed in its texts and may go stale: `make lint` lists "
                f"them; a cell that begins with `%%answer {_first_task(each)}` quotes variables, "
                "`{{ mean:.2f }}`"
            )
            lines.append((index, len(each.notebook.cells) + 1, said))
    begun: dict[str, str] = {}
    for index, each in enumerate(adopted):
        cells = each.notebook.cells
        draws = not any(_SEEDS.search(cell.source) for cell in cells)
        for number, (cell, below) in enumerate(zip(cells, [*cells[1:], None], strict=True), 1):
            name = each.notebook.name_of(cell)
            todo = [*_of_cell(each, cell, below), *_headings(cell, name, begun)]
            if cell.runs and draws and _DRAWS_NUMBERS.search(cell.source):
                todo.append("it draws random numbers without a seed: each run gives others")
            lines += [(index, number, f"{name}: {line}") for line in todo]
    return [text for *_, text in sorted(lines, key=lambda line: line[:2])]


def _first_task(adopted: Adopted) -> str:
    texts = [cell.source for cell in adopted.notebook.cells if cell.kind == "markdown"]
    return next((task for text in texts for task in begun_in(text) if task), "1")


def _headings(cell: Cell, name: str, begun: dict[str, str]) -> Iterator[str]:
    """Yield the tasks that a cell begins although `begun` has them, and add its tasks to that."""
    for task, title in task_names(cell.source).items() if cell.kind == "markdown" else ():
        if (where := begun.setdefault(task, name)) != name:
            yield f"'{title}' begins here and in {where}: give one of them another number"


def needed(adopted: Sequence[Adopted]) -> list[str]:
    """Return what the notebooks import beyond what this package brings, as `scipy==1.16.1`."""
    if not adopted:
        return []
    brought = {DISTRIBUTION, *installed_versions(f"{DISTRIBUTION}[lab]")}
    distributions = metadata.packages_distributions()
    lines = set()
    for cell in (cell for each in adopted for cell in each.notebook.code):
        with contextlib.suppress(PressError):  # reported for its cell
            for module in imported_modules({"": cell.source}, ()):
                for name in distributions.get(module.split(".")[0], ()):
                    if canonicalize_name(name) not in brought:
                        lines.add(f"{name}=={metadata.version(name)}")
    return sorted(lines)


def _of_cell(adopted: Adopted, cell: Cell, below: Cell | None) -> Iterator[str]:
    folder = adopted.path.parent
    if cell.kind == "markdown":
        shown = blanked(cell.source, VERBATIM)
        yield from _files(folder, _named_by(_LINKED, shown))
        for name in _named_by(_PICTURES, shown):
            with contextlib.suppress(OSError, ValueError):
                if not re.match(r"\w+:", name) and not (folder / name).is_file():
                    yield f"it shows {name}, which does not exist: add the picture, or remove it"
    if not cell.runs or split_prose(cell.source):
        return
    outputs = adopted.outputs.get(cell.id, [])
    for output in outputs:
        if output.get("output_type") == "error":
            error = f"{output.get('ename')}: {output.get('evalue')}"
            yield f"it ended in {error:.80}, which would stop the build: fix or remove it"
        if _PRINTED.match(str(output.get("data", {}).get("text/plain"))):
            yield "its last line shows an object of matplotlib: end that line with ';'"
    if _TIMES.search(cell.source):
        yield "it takes the time: if that is printed, each run prints another one, so remove it"
    if INJECTED_TAG in cell.tags:
        yield "papermill added it: move its values to the cell of parameters, and remove it"
    if _ASKS.search(cell.source):
        yield "it asks for input, which would stop the build: write the answer into the code"
    if _INSTALLS.search(cell.source):
        yield "it installs packages in each run: list them in requirements.txt instead"
    try:
        tree = parse(cell.source, "its code")
    except PressError as error:
        yield f"{error}: fix or remove it"
        return
    if "parameters" in cell.tags:
        yield from _of_parameters(cell)
    saved = {mime for output in outputs for mime in output.get("data", {})}
    named = {n.attr if isinstance(n, ast.Attribute) else "" for n in ast.walk(tree)}
    shows = any(mime.startswith("image/") for mime in saved) or (not outputs and named & _DRAWS)
    labelled = below is not None and below.source.lstrip().startswith("%%figure")
    if shows and not (labelled or MIME_TYPE in saved or "nbpress.figure" in cell.source):
        yield ALTERNATIVE
    yield from _modules(folder, cell.source)
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    names = [each for each in strings if isinstance(each, str)]
    yield from _files(folder, names)
    for name in filter(_ABSOLUTE.fullmatch, dict.fromkeys(names)):
        yield f"it names {name}, which other machines may lack: put the file beside the notebook"


def _of_parameters(cell: Cell) -> Iterator[str]:
    try:
        declared = {each.name for each in declarations(cell.source, "its parameters")}
    except PressError as error:
        yield str(error)
        return
    for name in INJECTED:
        if name in declared:
            yield f"the press itself sets {name!r}: give the parameter another name to set it"


def _modules(folder: Path, source: str) -> Iterator[str]:
    for name in sorted({name.split(".")[0] for name in imported_modules({"": source}, ())}):
        if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
            folder_or_file = folder / name if (folder / name).is_dir() else folder / f"{name}.py"
            yield f"it imports {name}, which lies beside the original: {_copy(folder_or_file, '.')}"
            continue
        with contextlib.suppress(ImportError, ValueError):
            if not find_spec(name):
                yield (
                    f"it imports {name}, which is not installed: list it in requirements.txt, and "
                    "delete .python, so that `make` sets up .venv from that list"
                )


def _named_by(pattern: re.Pattern[str], markdown: str) -> list[str]:
    """Return the names of files in a pattern's groups; in links a blank is written as %20."""
    return [unquote(next(filter(None, each.groups()))) for each in pattern.finditer(markdown)]


def _files(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """Yield a line for each name of a file beside the original, which the copy does not find."""
    for name in dict.fromkeys(names):
        with contextlib.suppress(OSError, ValueError):  # not a file's name
            if not Path(name).is_absolute() and (folder / name).is_file():
                yield f"it names {name}, a file beside the original: {_copy(folder / name, name)}"


def _copy(path: Path, name: str) -> str:
    """Return the command that copies a file to notebooks/, to be run in the report's folder."""
    target = os.path.normpath(Path("notebooks", name))
    if target.startswith(os.pardir):
        return "that is outside the report: put it beside the notebook and change the name"
    parent = os.path.dirname(target) if name != "." else ""
    make = f"mkdir -p {shlex.quote(parent)} && " if parent not in ("", "notebooks") else ""
    return f"`{make}cp -r {shlex.quote(str(path.resolve()))} {shlex.quote(target)}`"
