"""The inputs of a run, and its key: the digest of all inputs known before it starts.

These are code cells, parameters, data set, values of other chapters, the first-party modules that
it imports, the files that its chapter declares, and the installed versions. Prose and time stamps
are not inputs. What else a run reads is known only afterwards: see `nbpress.run.observed`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbpress.files import digest
from nbpress.project.code import first_party_modules
from nbpress.project.notebook import Notebook
from nbpress.project.project import Project
from nbpress.run.observed import declared, digests
from nbpress.run.versions import installed_versions

RECORDED = "recorded"  # the parameter that receives other chapters' values

_AT_START = "import sitecustomize, usercustomize"  # if they exist
_FORMAT = "4"  # of a run's folder; a new format makes every run stale


@dataclass(frozen=True)
class Inputs:
    """What a run depends on: the digest of each part, under a name that messages can use."""

    parts: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)  # the parts that are project files

    @property
    def key(self) -> str:
        """The digest of all parts, which names the run's folder in the cache."""
        return key_of(self.parts)

    def changes(self, former: Mapping[str, str]) -> list[str]:
        """Return the names of the parts that differ from those of an earlier run."""
        names = [n for n in {**former, **self.parts} if former.get(n) != self.parts.get(n)]
        return sorted(names, key=lambda name: (name.startswith("version of"), name))


def read_inputs(
    project: Project, notebook: Notebook, parameters: Mapping[str, Any], data_sha256: str
) -> Inputs:
    """Digest what a run of `notebook` with these parameters and data depends on."""
    return with_parameters(common_inputs(project, notebook, data_sha256), parameters)


def common_inputs(project: Project, notebook: Notebook, data_sha256: str) -> Inputs:
    """Digest what every run of `notebook` on these data depends on, whatever its parameters."""
    parts = {"the cache's format": _FORMAT, "the data set": data_sha256}
    parts["its code"] = digest(json.dumps(notebook.in_key()))
    code = notebook.named_code() | {"Python's start": _AT_START}
    modules = first_party_modules(code, project.import_path)
    files = digests(project.root, sorted(map(project.relative, modules)))
    files |= declared(project.root, project.chapter(notebook.path.name).inputs)
    versions = installed_versions(project.report.distribution)
    parts |= {f"version of {name}": version for name, version in versions.items()}
    return Inputs(parts | files, files)


def with_parameters(common: Inputs, parameters: Mapping[str, Any]) -> Inputs:
    """Add the parameters of one run to the inputs that it shares with others."""
    parts = dict(common.parts)
    for name, value in parameters.items():
        # Values of other chapters are separate parts: each is a reason of its own to run again.
        named = (
            {f"value {key}": each for key, each in value.items()}
            if name == RECORDED
            else {f"parameter {name}": value}
        )
        parts |= {key: digest(json.dumps(v, sort_keys=True)) for key, v in named.items()}
    return Inputs(parts, common.files)


def key_of(parts: Mapping[str, str]) -> str:
    """Return the digest of all parts."""
    return digest(json.dumps(parts, sort_keys=True))[:32]
