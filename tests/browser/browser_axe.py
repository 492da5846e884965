"""What axe finds on a page: whoever sees badly, or hears it read, must be able to use it."""

from axe_playwright_python.sync_playwright import Axe

SETTLED = """
() => Promise.allSettled(
  document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity).map((one) => one.finished)
)
"""
"""Colors on their way from light to dark are neither."""


def serious(page, context=None):
    """What is serious or critical, once all that moves has come to rest: rule, and its first places.

    Args:
        page: that is looked at.
        context: a selector of its part; None: the whole.
    """
    page.evaluate(SETTLED)
    found = Axe().run(page, context=context).response["violations"]
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
