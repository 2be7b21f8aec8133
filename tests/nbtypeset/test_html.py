"""The offline page, in a real browser where one is at hand."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fixtures.bound_report import TASKS, bound_report
from fixtures.browser import chromium
from fixtures.odd_notebooks import ODD, PIXEL, display, markdown, outputs
from nbconvert.exporters import get_exporter
from PIL import Image

from nbtypeset.exporters import OfflineHTMLExporter
from nbtypeset.schema import MIME_TYPE, NARROW_SVG, Figure, Imprint

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def page_of(notebook: Any, resources: Any = None, **traits: Any) -> str:
    """Return the page."""
    page: str = OfflineHTMLExporter(**traits).from_notebook_node(notebook, resources)[0]
    return page


class _Reader(HTMLParser):
    """Collects elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one element."""
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attrs for kind, attrs in self.elements if kind == tag]


@pytest.fixture(scope="module")
def page() -> str:
    """Return the bound report's page."""
    return page_of(*bound_report())


def test_exporter_is_registered() -> None:
    """Nbconvert finds the exporter by its name."""
    assert get_exporter("offline-html") is OfflineHTMLExporter


def test_page_holds_all_it_needs(page: str) -> None:
    """There is no script, and nothing but data is loaded from anywhere."""
    reader = _Reader(page)
    assert not reader.all("script")
    assert not reader.all("link")
    assert {str(image["src"]).partition("/")[0] for image in reader.all("img")} == {"data:image"}
    outward = [a["href"] for a in reader.all("a") if not str(a["href"]).startswith(("#", "data:"))]
    assert outward == []


def test_key_results_stand_in_the_header(page: str) -> None:
    """They are a region of their own, before the contents, with data set and date in words."""
    header = page[page.index("<header>") : page.index("</header>")]
    assert '<section class="results" aria-label="Key results">' in header
    assert '<a href="#fig-2d">Figure\u00a03</a>' in header  # on one line
    assert "ML 101 Learning &amp; doing · Assignment 1" in header
    assert '<span class="day">3 February 2022</span>' in header
    assert "<section" not in page_of(markdown("x"))


def test_policy_allows_this_style_and_nothing_else(page: str) -> None:
    """The policy names the style's own hash; no element has a style attribute."""
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(
        str(meta["content"])
        for meta in _Reader(page).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not [attrs for _, attrs in _Reader(page).elements if "style" in attrs]


def test_ids_are_unique_and_links_lead_to_them(page: str) -> None:
    """Every link within the page has a target, and every target exists once."""
    reader = _Reader(page)
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {"task-2d", "fig-2b", "tab-a"} <= set(ids)
    links = {str(a["href"])[1:] for a in reader.all("a") if str(a["href"]).startswith("#")}
    assert links <= set(ids)


def test_code_is_folded_away_but_there(page: str) -> None:
    """A section's code is in one closed fold at its end; a report that shows code opens each."""
    details = _Reader(page).all("details")
    assert details
    assert not any("open" in attrs for attrs in details)
    assert page.count("loss = train(model)") > len(details)
    sections = page.split('<section class="part"')[1:]
    assert len(sections) == len(TASKS) + 2 + sum(len(tasks) for _, tasks in TASKS) + 3
    for section in sections:
        assert section.count("<details") <= 1
        if "<details" in section:
            assert section.partition("</details>")[2].lstrip().startswith("</section>")
    assert '<span class="of"> of Task 2d — Early stopping</span>' in page
    shown = _Reader(page_of(*bound_report(show_code=True))).all("details")
    assert {"open" in attrs for attrs in shown} == {True}


def test_values_can_be_downloaded(page: str) -> None:
    """The page includes the report's numbers as JSON."""
    link = next(a for a in _Reader(page).all("a") if "download" in a)
    data = str(link["href"]).removeprefix("data:application/json;base64,")
    assert json.loads(base64.b64decode(data)) == {"2d.stop_step": 546}


def test_same_notebook_gives_the_same_page(page: str) -> None:
    """The page depends on the notebook alone."""
    assert page == page_of(*bound_report())


@pytest.mark.parametrize("name", ODD)
def test_odd_notebook_becomes_a_page(name: str) -> None:
    """No odd notebook stops the exporter, or brings a script or a handler into the page."""
    reader = _Reader(page_of(ODD[name]()))
    assert reader.all("main")
    assert not reader.all("script")
    assert not any(key.startswith("on") for _, attrs in reader.elements for key in attrs)
    assert not any("javascript:" in str(a.get("href")) for a in reader.all("a"))


def test_metadata_are_escaped() -> None:
    """Title and notice are text, whatever they look like."""
    imprint = Imprint(title="<script>$body", notice="<b>&")
    page = page_of(markdown("x"), {"nbpress": {"imprint": imprint}})
    assert "&lt;script&gt;$body" in page
    assert not _Reader(page).all("script")


def test_event_handlers_in_html_are_dropped() -> None:
    """HTML in a notebook is read for what it shows, not for what it does."""
    html = '<b onclick="x()">bold</b><img src=x onerror="x()"><a href="javascript:x()">a</a>'
    for notebook in (markdown(html), outputs(display(text__html=html))):
        page = page_of(notebook)
        assert "<strong>bold</strong>" in page
        assert "x()" not in re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a running chromium, or skip where there is none."""
    with chromium(QUIET) as running:
        yield running


@pytest.fixture
def opened(browser: Any, page: str, tmp_path: Path) -> Any:
    """Return a function that opens the page; requests and complaints end up in its lists."""
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")

    def open_page(**settings: Any) -> Any:
        tab = browser.new_page(**settings)
        tab.asked, tab.complaints = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.goto(file.as_uri())
        return tab

    return open_page


def test_no_request_leaves_the_page(opened: Any) -> None:
    """The browser asks for the file itself and finds nothing to complain about."""
    tab = opened()
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    tab.wait_for_load_state("networkidle")
    outside = [url for url in tab.asked if not url.startswith(("data:", "file:"))]
    assert outside == []
    assert sum(url.startswith("file:") for url in tab.asked) == 1
    assert tab.complaints == []


def test_page_brings_its_typefaces(browser: Any) -> None:
    """The reader's device needs none; a page without formulas leaves out theirs."""
    loaded = (
        "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status == 'loaded')"
        ".map(f => `${f.family} ${f.weight} ${f.style}`))"
    )
    tab = browser.new_page()
    tab.set_content(page_of(markdown("A *b* **c**: $x$, λ")))
    assert [name.replace('"', "") for name in tab.evaluate(loaded)] == [
        "Libertinus Serif normal normal",
        "Libertinus Serif normal normal",
        "Libertinus Serif normal italic",
        "Libertinus Serif 600 700 normal",
        "STIX Two Math normal normal",
    ]
    families = re.findall(r'@font-face\{font-family:"([^"]+)"', page_of(markdown("A")))
    assert families == ["Libertinus Serif"] * 4


def test_formula_keeps_the_comma_behind_it() -> None:
    """No line begins with it; an apostrophe is set as one, but not in code."""
    page = page_of(markdown("A digit's $x$, and $y$ too: `it's`"))
    (together,) = re.findall(r'<span class="unbroken">(<math.*?)</span>', page, re.DOTALL)
    assert together.endswith("</math>,")
    assert "A digit’s" in page
    assert "it's" in page or "it&#39;s" in page


def test_named_operator_stands_apart() -> None:
    """In MathML it would stick to what stands before and after it."""
    page = page_of(markdown(r"$y \ln x + y \ln(x)$"))
    assert re.findall(r'<mo lspace="0.167em" rspace="(\w[^"]*)">ln</mo>', page) == ["0.167em", "0"]


def test_maths_and_figures_are_laid_out(opened: Any) -> None:
    """Formulas and figures have a size, and figures say what they show."""
    tab = opened()
    boxes = tab.evaluate(
        "[...document.querySelectorAll('math')].map(m => { const b = m.getBoundingClientRect();"
        " return [b.width, b.height] })"
    )
    assert len(boxes) > 20
    assert all(width > 2 and height > 2 for width, height in boxes)
    pictures = tab.evaluate(
        "[...document.querySelectorAll('figure img')]"
        ".map(i => [i.alt, i.naturalWidth, i.getBoundingClientRect().height])"
    )
    assert len(pictures) == 12
    assert all(
        "falling curves" in alt and natural > 100 and h > 100 for alt, natural, h in pictures
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_any_screen_in_both_schemes(opened: Any, scheme: str, width: int) -> None:
    """Nothing sticks out sideways, and in the dark scheme plots are light on dark as well."""
    tab = opened(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    paper, ink = tab.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    dark = sum(map(int, re.findall(r"\d+", paper))) < sum(map(int, re.findall(r"\d+", ink)))
    assert dark == (scheme == "dark")
    plot = Image.open(io.BytesIO(tab.locator("figure img").first.screenshot())).convert("RGB")
    ((_, most),) = sorted(plot.getcolors(10**6))[-1:]
    assert most == tuple(map(int, re.findall(r"\d+", paper)))
    assert max(sum(colour) for _, colour in plot.getcolors(10**6)) > 500  # letters stand out
    assert min(sum(colour) for _, colour in plot.getcolors(10**6)) < 250


@pytest.mark.parametrize(("viewport", "width"), [(390, 30), (1280, 60)])
def test_narrow_screen_has_the_figure_drawn_for_it(browser: Any, viewport: int, width: int) -> None:
    """It stands in the page beside the other one; a wide screen has that."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="9"></svg>'
    shown = {
        MIME_TYPE: Figure("fig-a", "A caption.", "A box.").to_json(),
        **{"image/svg+xml": svg.format(60), NARROW_SVG: svg.format(30)},
    }
    tab = browser.new_page(viewport={"width": viewport, "height": 800})
    tab.set_content(page_of(outputs(display(**shown))))
    image = tab.locator("figure img")
    assert image.get_attribute("alt") == "A box."
    assert image.evaluate("i => i.decode().then(() => i.naturalWidth)") == width


def test_other_pictures_keep_a_white_sheet(browser: Any) -> None:
    """It is unknown which of their colours are ink."""
    tab = browser.new_page(color_scheme="dark")
    tab.set_content(page_of(markdown(f"![x](data:image/png;base64,{PIXEL})")))
    sheet = tab.evaluate("getComputedStyle(document.querySelector('img')).backgroundColor")
    assert sheet == "rgb(255, 255, 255)"


def test_contents_mark_the_section_that_is_read(opened: Any) -> None:
    """They mark one section at a time, without a script."""
    tab = opened(viewport={"width": 1280, "height": 800})
    marked = (
        "[...document.querySelectorAll('nav a')]"
        ".filter(a => getComputedStyle(a).boxShadow != 'none').map(a => a.textContent)"
    )
    for id_, heading in (
        ("task-2d", "Task 2d — Early stopping"),
        ("task-4a", "Task 4a — Gradient"),
    ):
        tab.evaluate(f"document.getElementById('{id_}').scrollIntoView()")
        tab.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        assert tab.evaluate(marked) == [heading]


def test_skip_link_comes_first_and_leads_to_the_text(opened: Any) -> None:
    """It is visible when it has the focus."""
    tab = opened()
    assert tab.evaluate("document.querySelector('.skip').getBoundingClientRect().right") < 0
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    tab.keyboard.press("Enter")
    assert tab.url.endswith("#nb-text")
    assert tab.evaluate("document.getElementById('nb-text').tagName") == "MAIN"


def test_formula_is_a_tab_stop_where_it_scrolls(browser: Any) -> None:
    """A shade shows that it scrolls; a formula that fits has neither."""
    long = " + ".join(f"x_{{{i}}}" for i in range(60))
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.set_content(
        page_of(markdown(f"$$x^2$$\n\n$$\\begin{{aligned}}a &= {long}\\end{{aligned}}$$"))
    )
    stops = []
    for _ in range(4):
        tab.keyboard.press("Tab")
        stops.append(tab.evaluate("document.activeElement.getAttribute('aria-label') || ''"))
    assert sum("x sub 59" in stop for stop in stops) == 1
    assert not any(stop.startswith("x squared") for stop in stops)
    boxes = tab.locator(".display").all()
    shades = []
    for box in boxes:
        drawn = Image.open(io.BytesIO(box.screenshot())).convert("L")
        shades.append(min(drawn.getpixel((drawn.width - 1 - i, 1)) for i in range(4)))
    assert shades[0] > 250
    assert shades[1] < 240


def test_blanks_that_align_a_number_stay_in_its_line(browser: Any) -> None:
    """They do so however narrow the table is."""
    tab = browser.new_page(viewport={"width": 200, "height": 800})
    tab.set_content(
        page_of(markdown("| a long word | x |\n|---|---|\n| a b c d | 5 |\n| e | 0.0001 |"))
    )
    assert (
        tab.evaluate("getComputedStyle(document.querySelector('td.right')).whiteSpace") == "nowrap"
    )


def test_regions_have_names_of_their_own(page: str) -> None:
    """Screen readers list regions by these names."""
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    formula = "| $\\lambda$ | $\\sum w^2$ |\n|---|---|\n| 1 | 2 |"
    regions = [
        attrs["aria-label"]
        for _, attrs in _Reader(
            page_of(markdown(table, table, formula, "|  |\n|---|\n| x |"))
        ).elements
        if attrs.get("role") == "region"
    ]
    assert regions == ["Table: a, b", "Table: a, b (2)", "Table: λ, sum of w squared", "Table"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe_finds_nothing(opened: Any, scheme: str, width: int) -> None:
    """The accessibility checker axe-core reports no violation, even where much has to scroll."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    size = {"width": width, "height": 720}
    tab = opened(color_scheme=scheme, viewport=size, bypass_csp=True)  # axe itself is a script
    result = axe.Axe().run(tab)
    assert result.violations_count == 0, result.generate_report()


def test_axe_finds_nothing_in_footnotes_and_boxes(browser: Any, tmp_path: Path) -> None:
    """References and the list that they lead to have names."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = page_of(markdown("See[^1].\n\n[^1]: Small print.\n\n- [x] a\n- [ ] b"))
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    tab = browser.new_page(bypass_csp=True)
    tab.goto((tmp_path / "page.html").as_uri())
    result = axe.Axe().run(tab)
    assert result.violations_count == 0, result.generate_report()
    tab.click("a[role=doc-noteref]")
    assert tab.url.endswith("#footnote:1")


def test_printed_page_holds_every_task(opened: Any) -> None:
    """The browser's own PDF, one of the two ways to hand in, has all tasks on A4 pages."""
    tab = opened()
    printed = tab.pdf(prefer_css_page_size=True, tagged=True, outline=True)
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        width, height = (float(x) for x in list(pdf.pages[0].mediabox)[2:])
        assert (round(width), round(height)) in ((595, 842), (596, 842), (595, 841), (594, 841))
        with pdf.open_outline() as outline:
            titles = " ".join(_titles(outline.root))
    for _, tasks in TASKS:
        for task in tasks:
            assert f"Task {task}" in titles


def _titles(bookmarks: Any) -> Iterator[str]:
    for bookmark in bookmarks:
        yield bookmark.title
        yield from _titles(bookmark.children)
