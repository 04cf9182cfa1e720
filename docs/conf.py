"""Sphinx: `make docs` builds the site, with warnings as errors and no network."""

import re

import sklstm

project = "sklstm"
author = "The sklstm developers"
copyright = "the sklstm developers. MIT licence"
version = release = sklstm.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples"]
templates_path = ["_templates"]
nitpicky = True
# Their pages are elsewhere, and the build needs no network.
nitpick_ignore_regex = [("py:.*", r"(keras|numpy|sklearn|unittest)\..*")]
default_role = "code"
extlinks = {
    "doi": ("https://doi.org/%s", "doi:%s"),
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
}

myst_enable_extensions = ["colon_fence"]
# Anchors as a repository shows them: "## New rows" is #new-rows.
myst_heading_anchors = 4

# Types and shapes are in the docstrings; _templates/autosummary lays classes out.
autodoc_typehints = "none"
numpydoc_show_class_members = False
# "all" makes these the exceptions.
numpydoc_validation_checks = {
    "all",
    # An extended summary, an example and See Also where one sentence is enough.
    "ES01",
    "EX01",
    "SA01",
    "SA04",
    # "X, y, sample_weight / As in `fit`." has neither type nor order of its own.
    "PR03",
    "PR04",
    "PR07",
    # "self" and a shape say what is returned; scikit-learn names what it returns.
    "RT02",
    "RT03",
    "RT04",
    # "Probabilities of the classes" is taken for a verb, a question for no sentence,
    # "scikit-learn's own" for one that lacks a capital.
    "SS05",
    "SS03",
    "SA03",
}

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sklstm",),
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
}

plot_formats = [("svg", 72)]
plot_html_show_formats = False
plot_html_show_source_link = False

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
# A prompt in a cell means that only what follows prompts is copied.
copybutton_only_copy_prompt_lines = True

html_theme = "pydata_sphinx_theme"
html_title = "sklstm"
# fit(), not BiLSTMClassifier.fit(), in the list beside the page.
toc_object_entries_show_parents = "hide"
html_static_path = ["_static"]
html_css_files = ["sklstm.css"]
html_show_sourcelink = False
html_copy_source = False
# Only sections of several pages need a list of them.
html_sidebars = {"*": [], "*/**": ["sidebar-nav-bs"]}
html_theme_options = {
    "logo": {"text": "sklstm"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def skip_member(app, what, name, member, skip, options):
    """Leave off a class page what it need not say.

    That are scikit-learn's methods for metadata routing and containers of output, and
    bare annotations of attributes, which the class docstring describes.
    """
    unneeded = name.endswith("_request") or name in {
        "get_metadata_routing",
        "set_output",
    }
    return True if unneeded or what == "attribute" else None


def mend_docstring(app, what, name, thing, options, lines):
    """Make Sphinx read a docstring as people do.

    A shape such as ``(n_features_in_,)`` is no link, and what a method of scikit-learn
    refers to by label is not on this site.
    """
    is_sklearns = (getattr(thing, "__module__", None) or "").startswith("sklearn")
    for number, line in enumerate(lines):
        for shape in re.findall(r"shape \([^)]*\)", line):
            line = line.replace(shape, re.sub(r"_(?=[,)])", r"\_", shape))
        if is_sklearns:
            line = re.sub(r":ref:`([^<`]+?)\s*<[^>`]+>`", r"\1", line)
        lines[number] = line


def setup(app):
    app.connect("autodoc-skip-member", skip_member)
    # After numpydoc, whose listener has the default priority of 500.
    app.connect("autodoc-process-docstring", mend_docstring, priority=900)
