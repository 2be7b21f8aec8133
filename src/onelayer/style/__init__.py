"""How the report's plots look, in its text's typeface: `plt.style.use("onelayer.style.report")`.

Matplotlib imports this module to find the style. Importing it registers the Libertinus Serif font
beside it, so that no machine needs to have the font installed and all draw the same letters.
"""

from importlib import resources

from matplotlib import font_manager

with resources.as_file(resources.files(__name__) / "LibertinusSerif-Regular.ttf") as _face:
    font_manager.fontManager.addfont(_face)
