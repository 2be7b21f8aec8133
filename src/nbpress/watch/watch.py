"""Builds the report, and again whenever something that it depends on is saved."""

from __future__ import annotations

from collections.abc import Callable

from nbpress.log import say
from nbpress.run.observed import describe
from nbpress.watch.builder import Builder, Job
from nbpress.watch.changes import Changes
from nbpress.watch.dependencies import PRESS, Dependencies, is_of_press


def watch(job: Job, after: Callable[[str], None] = lambda error: None) -> None:
    """Build, and build again after each change, until Ctrl-C.

    If a build fails, print the error and wait for the next change.

    Parameters
    ----------
    after
        Called after each change in the project, and after the build if one was needed, with the
        last build's error or "".
    """
    depends = Dependencies(job.root)
    changes = Changes(job.root, PRESS)
    try:
        with Builder(job) as builder:
            say("watching: every save starts a build; Ctrl-C stops")
            outcome = builder.build(anew=False)
            while True:
                depends = outcome.dependencies or depends
                after(outcome.error)
                paths = changes.wait()
                if names := depends.among(paths):
                    say(describe(names, {}, {}))
                    outcome = builder.build(anew=any(map(is_of_press, paths)))
    except KeyboardInterrupt:
        say("no longer watching")
