"""How pages are filled: running heads, lines that belong together, figures that float, tables."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import pytest
from fixtures.bound_report import drawing
from fixtures.odd_notebooks import display, markdown, outputs
from fixtures.printed import pages_in

from nbtypeset.exporters import OfflineHTMLExporter, TypstExporter, TypstPDFExporter
from nbtypeset.schema import MIME_TYPE, TEXT_SVG, Figure

WORDS = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor. " * 3
FOOT = re.compile(r"\d+ ?/ ?\d+")


def pages_of(notebook: Any) -> list[list[str]]:
    """Return the lines of each page of the PDF, without the page's number."""
    notebook.metadata["title"] = "Title"
    pdf = TypstPDFExporter(strict=True).from_notebook_node(notebook, {})[0]
    pages = pages_in(pdf)
    return [[line for line in page if not FOOT.fullmatch(line)] for page in pages]


def figure(height: float = 2.5, label: str = "fig-2a", caption: str = "The caption.") -> Any:
    """Return a cell that shows a figure."""
    svg, _ = drawing(1, height=height)
    record = Figure(label, caption, f"A curve that falls, in {label}.").to_json()
    return outputs(display(**{MIME_TYPE: record, "image/svg+xml": svg})).cells[0]


def source_of(text: str) -> str:
    """Return the Typst source of a text."""
    source: str = TypstExporter().from_notebook_node(markdown(text), {})[0]
    return source


def test_running_head_names_what_the_page_begins_with() -> None:
    """It names the task that continues at its top, or the new one, not the last one begun."""
    filler = f"\n\n{WORDS}" * 18
    pages = pages_of(markdown(f"# First{filler}\n\n## Task 1a — One{filler}\n\n# Second{filler}"))
    first, second, third, *_ = pages
    assert first[:2] == ["Title", "First"]  # which are title and heading
    assert second[0] == "Title First"
    assert "Task 1a — One" in second
    assert third[0] == "Title Task 1a — One"
    assert "Second" in third
    assert pages[-1][0] == "Title Second"


def test_running_head_names_the_task_that_begins_the_page() -> None:
    """It does not name the task before it."""
    heads = set()
    for count in range(10, 40):
        pages = pages_of(markdown(f"## Task 1a — One{f'{chr(10)}{chr(10)}A line.' * count}"
                                  f"\n\n## Task 1b — Two\n\nIt."))  # fmt: skip
        if len(pages) == 2:
            heads.add((pages[1][0], pages[1][1]))
    assert ("Title Task 1b — Two", "Task 1b — Two") in heads
    assert all(head == f"Title {first}" for head, first in heads if first.startswith("Task"))


@pytest.mark.parametrize(
    "formula", ["\n\n$$x^2$$\n\nAfter.", "\n$$x^2$$\nafter.", "\n\n- A point."]
)
def test_line_that_announces_stays_with_what_follows(formula: str) -> None:
    """No page ends with a colon or a heading, even where it otherwise would."""
    line = "One line of some words."
    for count in range(27, 38):
        text = f"\n\n{line}" * count + f"\n\n### Heading\n\nWith the rule{':'}{formula}"
        pages = pages_of(markdown("Start." + text))
        for page in pages[:-1]:
            assert not page[-1].endswith(":")
            assert page[-1] != "Heading"


def test_figure_floats_so_that_no_page_ends_empty() -> None:
    """The text below it fills the page before it, but no further than to the next task."""
    notebook = markdown(f"## Task 2a — One{f'{chr(10)}{chr(10)}{WORDS}' * 10}")
    notebook.cells.append(figure())
    notebook.cells += markdown("The answer is here.", "## Task 2b — Two\n\nMore of it.").cells
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    first, second = pages_of(notebook)
    assert first[-1] == "The answer is here."
    assert "The answer is here." not in second
    assert second[0] == "Title Task 2a — One"  # whose figure it is that the page begins with
    indices = [next(i for i, each in enumerate(second[1:]) if text in each)
             for text in ("The caption.", "Task 2b", "More of it.")]  # fmt: skip
    assert indices == sorted(indices)


def test_figure_for_which_there_is_room_after_all_stays_in_its_place() -> None:
    """It would begin a page, until another one floats; then it must not float above its heading."""
    before = 0
    for count in range(4, 13):
        notebook = markdown(f"## Task 2a — One{f'{chr(10)}{chr(10)}{WORDS}' * 10}")
        notebook.cells.append(figure(4))
        notebook.cells += markdown(f"{WORDS}\n\n" * count, "## Task 2b — Two").cells
        notebook.cells.append(figure(2, "fig-2b", "The other caption."))
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"c{number}"
        for page in pages_of(notebook):
            order = [line for line in page if line.startswith("Task 2b") or "other" in line]
            before += bool(order) and "other" in order[0]
            assert len(order) < 2 or order[0].startswith("Task 2b"), count
    assert before


@pytest.mark.parametrize("count", range(11, 17))
def test_figure_between_two_headings_stays_between_them(count: int) -> None:
    """The next heading takes its mark along to the next page; it must not float all the same."""
    notebook = markdown(f"## Task 2a — One{f'{chr(10)}{chr(10)}{WORDS}' * 10}")
    notebook.cells.append(figure(3))
    notebook.cells += markdown("A line.\n\n" * count, "## Task 2b — Two\n\nText.").cells
    notebook.cells.append(figure(2.5, "fig-2b", "The other caption."))
    notebook.cells += markdown("## Task 2c — Three\n\nEnd.").cells
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    pages = pages_of(notebook)
    lines = [line for page in pages for line in page]
    order = ["Task 2b — Two", "Figure 2 The other caption.", "Task 2c — Three"]
    assert [line for line in lines if line in order] == order


def test_figure_that_fits_stays_in_its_place() -> None:
    """It stands between the texts above and below it."""
    notebook = markdown("## Task 2a — One\n\nAbove.")
    notebook.cells.append(figure())
    notebook.cells += markdown("Below.").cells
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    (page,) = pages_of(notebook)
    indices = [next(i for i, each in enumerate(page) if text in each)
             for text in ("Above.", "The caption.", "Below.")]  # fmt: skip
    assert indices == sorted(indices)


def test_long_table_goes_on_over_pages() -> None:
    """It begins where there is room for its first rows, and has its header on each page."""
    rows = "\n".join(f"| row {i} | x |" for i in range(60))
    pages = pages_of(markdown(f"Above.\n\n| Name | What |\n|---|---|\n{rows}"))
    assert len(pages) == 2
    assert "row 0" in " ".join(pages[0])
    assert all("Name" in " ".join(page) for page in pages)


def test_numbers_are_aligned_at_their_points() -> None:
    """They are flush right; shorter fractions are padded with blanks, and words stay."""
    source = source_of(
        "| Task | λ | rate | other | left |\n|---|---|---|---|:--|\n"
        "| 2d | 0 | 92.3% | around 5 | 1 |\n| 3d | 0.002 | 92.27% | 5 | 2.5 |\n"
        "| 4e | 14 | 9% | 6 | 3 |\n| 4e | equal | — | 7 | 4 |"
    )
    assert "align: (auto,right,right,auto,left,)" in source
    assert "[0\u2008\u2007\u2007\u2007], [92\\.3\\%\u2007]" in source
    assert "[0\\.002], [92\\.27\\%]" in source
    assert "[14\u2008\u2007\u2007\u2007], [9\\%\u2008\u2007\u2007]" in source
    assert "[equal], [—], [7], [4]" in source


@pytest.mark.parametrize(
    ("cells", "aligned"),
    [
        (["2.4 × 10⁻⁹", "16.4 × 10⁻⁹"], True),
        (["10⁻⁶", "10⁻⁶"], True),
        (["−0.5", "1,546"], True),
        (["5 %", "5 s"], False),  # units that differ
        (["5 %", "5"], False),
        (["2d", "3d"], False),
        (["1 of 2", "2 of 2"], False),
        (["yes", "no"], False),
        (["1", "yes"], False),  # not most of them
    ],
)
def test_what_is_a_column_of_numbers(cells: list[str], aligned: bool) -> None:
    """Numbers may have one unit; a name with a digit is not a number."""
    rows = "\n".join(f"| {cell} |" for cell in cells)
    assert ("align: (right,)" in source_of(f"| x |\n|---|\n{rows}")) == aligned


def test_aligned_numbers_are_aligned_on_the_page_as_well() -> None:
    """The same blanks align them, and a browser keeps these."""
    text = "| x |\n|---|\n| 22.67 |\n| 0.365 |"
    page = OfflineHTMLExporter().from_notebook_node(markdown(text), {})[0]
    assert '<td class="right">22.67\u2007</td>' in page


def test_letters_of_a_figure_can_be_searched_for() -> None:
    """A PDF takes the picture whose letters are text; a page takes one that needs no typeface."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="20">{}</svg>'
    text = svg.format('<text y="15" style="font-family: \'Libertinus Serif\'">findable</text>')
    data = {
        MIME_TYPE: Figure("fig-2a", "The caption.", "A curve.").to_json(),
        "image/svg+xml": svg.format('<path d="M 0 0 H 9"/>'),
        TEXT_SVG: text,
    }
    (page,) = pages_of(outputs(display(**data)))
    assert "findable" in page
    html = OfflineHTMLExporter().from_notebook_node(outputs(display(**data)))[0]
    (picture,) = re.findall(r"svg\+xml;base64,([\w+/=]+)", html)
    assert "<path" in b64decode(picture).decode()


def test_pages_are_laid_out_alike_each_time() -> None:
    """They are laid out alike even if figures float."""
    notebook = markdown(f"## Task 2a — One{f'{chr(10)}{chr(10)}{WORDS}' * 10}")
    notebook.cells.append(figure())
    notebook.cells[-1]["id"] = "last"
    before = json.dumps(notebook)
    assert pages_of(notebook) == pages_of(notebook)
    assert json.loads(before)["cells"] == json.loads(json.dumps(notebook))["cells"]


@pytest.mark.parametrize("count", [45, 50, 80])
def test_contents_shrink_rather_than_spill(count: int) -> None:
    """A few entries too many stay on the first page; if there are far more, none shrinks."""
    text = "\n\n".join(f"## Part {i}\n\nText." for i in range(1, count + 1))
    pages = pages_of(markdown(text))
    first, second = (len(re.findall(r"Part \d+ \.", "\n".join(page))) for page in pages[:2])
    assert first + second == count
    assert first == count if count <= 50 else 40 <= first < 45
