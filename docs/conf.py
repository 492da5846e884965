"""How Sphinx makes the site of these pages: `make site`. They stay plain Markdown, as GitHub shows it."""

import re
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "rl-teacher"
version = release = version_of("rl-teacher")
html_title = f"{project} {version}"
language = "en"

extensions = ["myst_parser"]
root_doc = "index"
myst_heading_anchors = 4
# What GitHub does not know of Markdown means nothing here either.
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target", "myst_role"]

html_theme = "furo"
html_static_path = ["site"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
smartquotes = False  # they would make one dash of the two before a flag
pygments_style = "friendly"
pygments_dark_style = "monokai"

SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
ENTRY = re.compile(r"^\* \[([^\]]+)\]\(([a-z-]+)\.md\)", re.MULTILINE)


def menu(text: str) -> str:
    """Sphinx's menu as the lists of the first page have it: a caption for each heading, an entry for each page."""
    sections = ((title, ENTRY.findall(body)) for title, body in SECTION.findall(text))
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n"
        + "".join(f"{name} <{page}>\n" for name, page in entries)
        + "```\n"
        for title, entries in sections
        if entries
    )


def add_menu(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the menu under the first page, where Sphinx looks for it."""
    if page == root_doc:
        source[0] += menu(source[0] + "\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", add_menu)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
