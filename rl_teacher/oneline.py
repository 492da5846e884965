"""What code that is not ours raised or handed over, in one line, whatever it is."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

LONGEST = 300
"""Of what an exception says [characters]."""
LONGEST_VALUE = 120
"""Of a value [characters]."""


def raised(error: BaseException, where: str = "") -> str:
    """Type and message of an exception, and where it was raised.

    >>> raised(ValueError("too\\nbig"), "line 7")
    'ValueError: too big (line 7)'
    """
    message = said(error)
    return f"{type(error).__name__}{message and ': '}{message}{where and f' ({where})'}"


def said(error: BaseException) -> str:
    """The message of an exception; none if it cannot even be asked."""
    return asked(lambda: _one_line(str(error), LONGEST), "")


def shown(value: Any) -> str:
    """A value in a few words, with its type.

    >>> shown(None)
    'None (NoneType)'
    """
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    text, kind = written(value), type(value).__name__
    return text if text == f"a {kind}" else f"{text} ({kind})"


def written(value: Any) -> str:
    """A value as Python writes it, shortened; "a" and its type if it cannot be written."""
    return asked(lambda: _one_line(repr(value), LONGEST_VALUE), f"a {type(value).__name__}")


def asked(question: Callable[[], T], otherwise: T) -> T:
    """What code that is not ours answers, or `otherwise` where it raises, whatever it raises; Ctrl-C is passed on.

    >>> asked(lambda: 1 / 0, "nothing")
    'nothing'
    """
    try:
        return question()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return otherwise


def _one_line(text: str, longest: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[:longest]}..."
