"""A docstring of ours as Markdown: sections become lists, examples become blocks, names of pages become links."""

import re
import textwrap

LISTS = {"Args:": "Arguments", "Raises:": "Raises"}
ENTRY = re.compile(r"^    (\w+): ", re.MULTILINE)
PAGE = re.compile(r"\bdocs/([a-z-]+\.md)(#[a-z-]+)?")


def as_markdown(docstring: str) -> str:
    """The whole text, in paragraphs with an empty line between them.

    >>> print(as_markdown("Do it.\\n\\nArgs:\\n    count: how often,\\n        at most."))
    Do it.
    <BLANKLINE>
    **Arguments**
    <BLANKLINE>
    * `count`: how often, at most.
    """
    parts: list[str] = []
    for text in re.split(r"\n\s*\n", docstring.strip()):
        if text.startswith("    ") and parts and parts[-1].startswith("    "):
            parts[-1] += f"\n\n{text}"  # an empty line within a program
        else:
            parts.append(text)
    return "\n\n".join(_paragraph(one) for one in parts)


def in_one_line(docstring: str) -> str:
    """A docstring of prose alone, for a cell of a table or an entry of a list."""
    return _linked(" ".join(docstring.split()))


def _paragraph(text: str) -> str:
    first, _, rest = text.partition("\n")
    if text.startswith(">>> "):
        return f"```pycon\n{text}\n```"
    if text.startswith("    "):
        return f"```py\n{textwrap.dedent(text)}\n```"
    if first in LISTS:
        return f"**{LISTS[first]}**\n\n{_entries(rest)}"
    if first == "Returns:":
        return f"**Returns**: {in_one_line(rest)}"
    return _linked(text)


def _entries(text: str) -> str:
    """The list below `Args:` or `Raises:`, each entry in one line."""
    parts = ENTRY.split(text)[1:]
    return "\n".join(
        f"* `{name}`: {in_one_line(meaning)}" for name, meaning in zip(parts[::2], parts[1::2], strict=True)
    )


def _linked(text: str) -> str:
    return PAGE.sub(r"[\1](\1\2)", text)
