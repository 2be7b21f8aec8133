"""How the report's plots look, in its text's typeface: `plt.style.use("onelayer.style.report")`.

To import this registers the face of Libertinus Serif beside it with Matplotlib, which imports it
to find the style: no machine needs to have it installed, and each draws the same letters.
"""

from importlib import resources

from matplotlib import font_manager

with resources.as_file(resources.files(__name__) / "LibertinusSerif-Regular.ttf") as _face:
    font_manager.fontManager.addfont(_face)
