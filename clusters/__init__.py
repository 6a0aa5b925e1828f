"""Where the suite runs: providers of clusters, and the embedded reference platform."""

import logging

logging.getLogger("clusters").addHandler(logging.NullHandler())
