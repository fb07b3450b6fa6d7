# SPDX-License-Identifier: GPL-3.0-or-later
# Sphinx. `make manual` copies the pages, the generated tables and Doxygen's XML into one folder and runs this there.
import os
import re

project = "mote"
author = "the mote contributors"
copyright = "2026, the mote contributors"
here = os.path.dirname(os.path.abspath(__file__))
version = release = os.environ.get("MOTE_VERSION", "0.1.0")
extensions = ["breathe", "sphinx.ext.mathjax"]
breathe_projects = {"mote": os.path.join(here, "xml")}
breathe_default_project = "mote"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False
exclude_patterns = ["generated"]
primary_domain = "c"
highlight_language = "none"
html_theme = "alabaster"
html_theme_options = {"description": "probabilistic inference", "page_width": "1100px", "sidebar_width": "240px"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
nitpicky = False
