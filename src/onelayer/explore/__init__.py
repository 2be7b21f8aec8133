"""Exploring by hand: train and watch, look at mistakes, draw a digit, save the settings.

`notebooks/explore.ipynb` shows the panels of `explore(…)`. `training.py` trains in a thread that
can be watched and stopped, `choice.py` defines what a run depends on, and the `…_panel.py` files
are what the user sees. This package needs the packages that `make lab` installs.
"""

from onelayer.explore.explorer import explore

__all__ = ["explore"]
