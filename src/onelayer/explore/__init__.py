"""Exploring by hand: train and watch, look at mistakes, draw a digit, write down what was found.

`notebooks/explore.ipynb` shows the panels of `explore(…)`. `training.py` trains in a thread that
can be watched and stopped, `choice.py` says what a run depends on, and `…_panel.py` are what one
sees. Needs the packages of `make lab`.
"""

from onelayer.explore.explorer import explore

__all__ = ["explore"]
