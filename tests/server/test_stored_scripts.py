"""Whatever people write, no page runs it."""

import re
from html.parser import HTMLParser

import pytest

from rl_teacher.server.guideline_text import to_html
from rl_teacher.server.models import Membership, User
from rl_teacher.server.transactions import access, manage

XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<a href='jaVa\tscript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{background:url(//evil)}</style>",
    "<form action=//evil><input></form>",
    "</script><script>alert(1)</script>",
    "{{ 7*7 }}{% debug %}",
    "<math><mtext></table><mglyph><style><!--</style><img src onerror=alert(1)>",
    "![x](http://evil/p.png)",
    "<div hx-get='/evil' hx-trigger='load'>x</div>",
    "<body onload=alert(1)>",
    "<base href=//evil>",
]


class Alive(HTMLParser):
    """Collects whatever in a page a browser would run or fetch that is not ours."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        ours = (given.get("src") or "").startswith("/static/")
        if tag == "script" and not ours and given.get("type") != "application/json":
            self.found.append((tag, attrs))
        if tag in ("iframe", "base", "object", "embed", "style", "math"):
            self.found.append((tag, attrs))
        for name, value in attrs:
            value = (value or "").strip().lower()
            if name.startswith("on") or name == "style" or value.startswith(("javascript:", "data:", "vbscript:")):
                self.found.append((tag, attrs))
            if name in ("src", "action", "formaction", "hx-get") and (value.startswith("//") or "evil" in value):
                self.found.append((tag, attrs))


def alive(text):
    parser = Alive()
    parser.feed(text)
    return parser.found


@pytest.mark.parametrize("text", XSS)
def test_guidelines_are_harmless(text):
    html = to_html(text)
    assert not re.search(
        r"<(script|style|img|svg|iframe|form|input|base|body|div|math)|on\w+\s*=\s*['\"]?alert[^&]*>|href=\"(?:javascript|data)",
        html,
        re.I,
    ), html


def test_stored_scripts_never_come_out_alive(world):
    experiment = world.experiment(env_id=XSS[3])
    admin = world.user("root", admin=True)
    manage.add_guideline(experiment, "\n\n".join(XSS), admin)
    world.user(XSS[1][:140])
    for text in XSS:
        comparison = world.comparison(experiment, note=text)
    member = Membership.objects.create(
        experiment=experiment, user=User.objects.get(username=XSS[1][:140]), role="labeler", pseudonym="<b>x"
    )
    access.make_token(XSS[0], experiment=experiment)
    browser = world.browser(admin)
    pages = [
        "/",
        "/e/one",
        "/e/one/label",
        "/e/one/comparisons",
        "/e/one/comparisons?note=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/e/one/clips",
        "/e/one/quality",
        "/e/one/people",
        "/people",
        "/tokens",
        "/me",
        f"/c/{comparison.id}",
        "/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/join/%3Cscript%3E",
    ]
    for page in pages:
        text = browser.get(page).content.decode()
        assert alive(text) == [], page
        assert "<b>x" not in text
    assert member.pk
