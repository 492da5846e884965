"""Turns a guideline's Markdown into HTML that can do no harm."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
TAGS = {
    "p",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "code",
    "pre",
    "blockquote",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


def plain_text(text: str) -> str:
    """`text` without what an editor or a form adds: a byte order mark, and carriage returns."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def to_html(markdown: str) -> SafeString:
    """Rendered, then reduced to an allow-list: no script, style, image, form or odd link survives."""
    html = nh3.clean(
        _MARKDOWN.render(markdown),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)
