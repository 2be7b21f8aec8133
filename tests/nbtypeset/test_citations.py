"""Citations and their list, in each format."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.odd_notebooks import markdown
from nbconvert.exporters import get_exporter

from nbtypeset.schema import Imprint

BIB = """
@article{lecun1998, author={LeCun, Yann and Bottou, L{\\'e}on}, title={Gradient-based learning},
  journal={Proceedings of the IEEE}, year=1998, doi={10.1109/5.726791}}
@misc{evil, author={{<b>#panic() \\\\input{x}}}, title={Evil}, year=2001, url={javascript:x()}}
"""


def written(exporter: str, *texts: str, bibliography: str = BIB) -> tuple[str, list[str]]:
    """Return a document that cites, and the warnings."""
    resources: Any = {"nbpress": {"imprint": Imprint(title="T", bibliography=bibliography)}}
    made, resources = get_exporter(exporter)().from_notebook_node(markdown(*texts), resources)
    return made, resources["nbpress"]["warnings"]


def test_citations_lead_to_the_list_at_the_end() -> None:
    """They do in brackets or as an author; the list also has entries that are not cited."""
    page, warnings = written(
        "offline-html", "# One\n\nAs [@lecun1998, p. 3] says.", "By @lecun1998."
    )
    assert warnings == []
    assert '(<a href="#ref-lecun1998">LeCun and Bottou 1998, 3</a>)' in page
    assert 'LeCun and Bottou (<a href="#ref-lecun1998">1998</a>)' in page
    listed = page[page.index('id="references"') :]
    assert '<div id="ref-lecun1998">' in listed
    assert '<div id="ref-evil">' in listed
    assert 'href="https://doi.org/10.1109/5.726791"' in listed


@pytest.mark.parametrize("exporter", ["typst", "report-latex"])
def test_other_formats_cite_too(exporter: str) -> None:
    """Their citations are links within the document."""
    source, _ = written(exporter, "As [@lecun1998] says.")
    assert "ref-lecun1998" in source.split("Gradient")[0]
    assert "Bottou" in source


def test_latex_lists_paragraphs_that_links_lead_to() -> None:
    r"""Pandoc makes a `\\bibitem` of an entry, but there is no list for it to stand in."""
    source, _ = written("report-latex", "As [@lecun1998] says.")
    assert "bibitem" not in source
    assert r"\phantomsection\label{ref-lecun1998}" in source
    assert r"\hyperref[ref-lecun1998]" in source


def test_pdf_has_the_references_in_its_outline() -> None:
    """They are a chapter of their own, at the end."""
    import io

    import pikepdf

    pdf, _ = written("typst-pdf", "# One\n\nAs [@lecun1998] says.")
    with pikepdf.open(io.BytesIO(pdf)).open_outline() as outline:
        assert [bookmark.title for bookmark in outline.root][-1] == "References"


def test_unknown_key_stays_as_it_was_typed() -> None:
    """There is a warning; the press refuses the key earlier."""
    page, warnings = written("offline-html", "As [@lecun1998; @nobody] says.")
    assert "[@lecun1998; @nobody]" in page
    assert any("the bibliography has no entry 'nobody'" in warning for warning in warnings)


def test_without_a_bibliography_nothing_is_a_citation() -> None:
    """Without one, an @ is an ordinary character."""
    page, warnings = written("offline-html", "As [@lecun1998] says.", bibliography="")
    assert "[@lecun1998]" in page
    assert "References" not in page
    assert warnings == []


def test_bibliography_is_data() -> None:
    """Everything in it becomes words."""
    page, _ = written("offline-html", "x")
    assert "<b>#" not in page
    assert 'href="javascript' not in page
    assert "#panic" not in written("typst", "x")[0].replace("\\#panic", "")
