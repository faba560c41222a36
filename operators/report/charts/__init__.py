"""The report's pictures: matplotlib draws them, as SVG that takes its colours from the page."""

import logging

# It warns where it cannot keep its list of fonts, as in a container; of none of them a glyph is drawn here.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
