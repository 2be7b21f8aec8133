"""Serves the report's web page to browsers on this machine, which show each new one at once.

A page around the report listens for changes and reloads it; the report itself is sent exactly as
published. Requests must have a secret token and name this server as their host, which stops pages
from elsewhere whose host name was made to point here.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import webbrowser
from importlib import resources
from pathlib import Path

import click
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.locks import Condition
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from nbpress.errors import PressError
from nbpress.files import digest, read
from nbpress.watch.builder import Job
from nbpress.watch.watch import watch

_ADDRESS = "127.0.0.1"


def preview(job: Job, port: int, *, opens: bool) -> None:
    """Watch, and serve the page, until Ctrl-C."""
    server = Server(job.root / "report" / job.request.form, port)
    click.echo(server.url)  # not with `say`: the token must not get into the log
    if opens:
        webbrowser.open(server.url)
    watch(job, server.show)


class Server:
    """Serves a page from a thread of its own.

    Attributes
    ----------
    url
        The address to open, with the token.
    """

    def __init__(self, page: Path, port: int) -> None:
        self.page, self.error = page, ""
        self.token, self.nonce = secrets.token_urlsafe(), secrets.token_urlsafe()
        try:
            self._sockets = bind_sockets(port, _ADDRESS)
        except OSError as error:
            raise PressError(
                f"port {port} is not available ({error.strerror}): give another one, or none"
            ) from error
        port = self._sockets[0].getsockname()[1]
        self.hosts = {f"{_ADDRESS}:{port}", f"localhost:{port}"}
        self.url = f"http://{_ADDRESS}:{port}/?token={self.token}"
        started = threading.Event()
        threading.Thread(target=asyncio.run, args=(self._serve(started),), daemon=True).start()
        started.wait()

    def show(self, error: str) -> None:
        """Have browsers show the current page, and an error unless it is ""."""
        self.error = error
        self._loop.call_soon_threadsafe(self.news.notify_all)

    def state(self) -> str:
        """Return what browsers should show, as JSON."""
        page = read(self.page)
        return json.dumps({"report": page and digest(page), "error": self.error})

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self.news = asyncio.get_running_loop(), Condition()
        paths = {"/": _Frame, "/report.html": _Report, "/events": _Events}
        application = Application(
            [(path, handler, {"server": self}) for path, handler in paths.items()],
            default_handler_class=_Handler,
            default_handler_args={"server": self},
            log_function=lambda _: None,  # a log would show the token
        )
        HTTPServer(application).add_sockets(self._sockets)
        started.set()
        await asyncio.Event().wait()


class _Handler(RequestHandler):
    """Admits requests with the token; by itself it serves nothing."""

    def initialize(self, server: Server) -> None:
        self.server = server

    def prepare(self) -> None:
        given = self.get_query_argument("token", "").encode()
        known = secrets.compare_digest(given, self.server.token.encode())
        if not known or self.request.host not in self.server.hosts:
            raise HTTPError(403)
        if type(self) is _Handler:
            raise HTTPError(404)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")


class _Frame(_Handler):
    def get(self) -> None:
        nonce = self.server.nonce
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "frame-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        page = resources.files("nbpress.watch").joinpath("preview.html").read_text("utf-8")
        self.finish(page.replace("NONCE", nonce))


class _Report(_Handler):
    def get(self) -> None:
        page = read(self.server.page)
        if page is None:
            raise HTTPError(404)
        self.set_header("Content-Security-Policy", "frame-ancestors 'self'")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)


class _Events(_Handler):
    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        sent = None
        while True:
            if (state := self.server.state()) == sent:
                await self.server.news.wait()
                continue
            self.write(f"data: {state}\n\n")
            try:
                await self.flush()
            except StreamClosedError:
                return
            sent = state
