"""Whom `nbpress preview` serves, and what a browser shows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
from fixtures.browser import chromium
from fixtures.tiny_project import TinyProject
from fixtures.watched import DONE, watching

PICTURES = "notebooks/2_pictures.ipynb"
PARAGRAPHS = "\n\n".join(f"Paragraph {number}." for number in range(200))


def ask(url: str, path: str, **headers: str) -> HTTPResponse:
    """Ask the server of a URL for a path; the token is wherever `TOKEN` stands."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    path = path.replace("TOKEN", parts.query.removeprefix("token="))
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


@pytest.fixture
def browser() -> Iterator[Any]:
    """Return a running chromium, or skip where there is none."""
    with chromium() as running:
        yield running


def test_page_is_for_those_who_know_the_token_and_mean_this_server(built: TinyProject) -> None:
    """Only they get the page, byte for byte; nobody gets any other file."""
    with watching(built, "preview") as watch:
        url = watch.process.stdout.readline().strip()
        watch.until(DONE)
        answer = ask(url, "/report.html?token=TOKEN")
        assert answer.read() == (built.root / "report" / "report.html").read_bytes()
        port = urlsplit(url).port
        assert ask(url, "/?token=TOKEN", Host=f"localhost:{port}").status == 200
        for path in ("/", "/report.html", "/events", "/report.html?token=", "/?token=TOKE%C3%B6"):
            assert ask(url, path).status == 403
        for host in ("example.org", f"example.org:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}"):
            assert ask(url, "/report.html?token=TOKEN", Host=host).status == 403
        for path in ("/report.pdf", "/report.yaml", "/../report/report.yaml", "/favicon.ico"):
            assert ask(url, f"{path}?token=TOKEN").status == 404
        token = urlsplit(url).query.removeprefix("token=")
        assert token not in (built.root / "build" / "nbpress.log").read_text("utf-8")
        assert watch.interrupt() == 0


def test_server_is_on_this_machine_alone_and_on_the_port_asked_for(built: TinyProject) -> None:
    """It listens on loopback; a port that is in use is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = built.run("preview", "--port", str(port))
        assert result.status == 1
        assert f"port {port} is not available" in result.err
    with watching(built, "preview", "--port", str(port)) as watch:
        assert watch.process.stdout.readline().startswith(f"http://127.0.0.1:{port}/?token=")
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=30)


def test_browser_shows_what_was_saved_where_it_was(built: TinyProject, browser: Any) -> None:
    """A new page appears by itself and keeps its place; an error is shown until it is fixed."""
    built.edit_cell("2_pictures.ipynb", "title", f"# Pictures\n\n{PARAGRAPHS}")
    with watching(built, "preview") as watch:
        url = watch.process.stdout.readline().strip()
        tab = browser.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto(url)
        report = tab.frame_locator("iframe")
        report.get_by_text("shows it.").wait_for()
        assert tab.get_by_role("status").is_hidden()
        frame = tab.frames[1]
        frame.evaluate("scrollTo(0, 2000)")

        built.edit(PICTURES, "shows it.", "shows it at once.")
        report.get_by_text("shows it at once.").wait_for()
        tab.wait_for_function("frames[0].scrollY === 2000")

        built.edit(PICTURES, "#fig-2a", "#fig-2b")
        tab.get_by_role("status").get_by_text("leads nowhere").wait_for()
        assert frame.evaluate("scrollY") == 2000
        built.edit(PICTURES, "#fig-2b", "#fig-2a")
        tab.get_by_role("status").wait_for(state="hidden")

        assert complaints == []
        watch.interrupt()
        tab.get_by_role("status").get_by_text("The preview has ended").wait_for()
