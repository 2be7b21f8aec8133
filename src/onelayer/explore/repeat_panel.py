"""The panel that writes the settings down, so that a machine can repeat them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from onelayer import registry
from onelayer.explore import commands
from onelayer.explore.choice import Choice
from onelayer.explore.controls import Controls
from onelayer.explore.pictures import STYLE, framed

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class RepeatPanel:
    """A command that repeats the current settings, and a grid of these and the kept runs'.

    `kept` returns the choices of the kept runs.
    """

    def __init__(self, controls: Controls, kept: Callable[[], Sequence[Choice]]) -> None:
        self.controls, self._kept = controls, kept
        self.text, self.grid = widgets.HTML(), ""
        self.name = widgets.Text("explored", description="name")
        self.write = widgets.Button(description="Write the sweep", icon="save")
        self.status = widgets.HTML()
        self.write.on_click(self._write)
        controls.observe(self.update)
        row = widgets.HBox([self.name, self.write])
        self.box = widgets.VBox([widgets.HTML(STYLE), self.text, row, self.status])
        self.update()

    def update(self) -> None:
        """Show the command and the grid for the current settings."""
        choice = self.controls.choice
        self.grid = commands.grid([*self._kept(), choice])
        report = commands.report_command(choice)
        self.text.value = framed(
            f"<p>The report:</p><pre>{escape(report)}</pre>"
            f"<p>The sweep:</p><pre>{escape(self.grid)}</pre>"
        )

    def _write(self, _: Any) -> None:
        self.status.value = framed(self._written())

    def _written(self) -> str:
        """Write the grid; return a message that says whether that worked."""
        name = self.name.value
        if not _NAME.fullmatch(name):
            return "A name consists of lower-case letters, digits, - and _."
        folder = list(registry.folders_upwards())[-1] / "sweeps"
        try:
            with open(folder / f"{name}.yaml", "x", encoding="utf-8") as file:
                file.write(self.grid)
        except FileExistsError:
            return f"sweeps/{name}.yaml already exists: choose another name."
        except OSError as error:
            return f"sweeps/{name}.yaml could not be written: {error.strerror}."
        return f"Written. Run it with: <code>make sweep SWEEP={name}</code>"
