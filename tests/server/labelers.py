"""Labelers, each a guest with a browser of their own, who go on at another address where one does not answer."""

import random
import threading
import time
import uuid

import httpx

SLUG = "load"


def invite_guests(owner: httpx.Client, count: int) -> str:
    """A code by which so many come in; `owner` is signed in."""
    token = owner.headers["X-CSRFToken"]
    form = {"role": "guest", "days": "1", "uses": str(count), "csrfmiddlewaretoken": token}
    made = owner.post(f"/e/{SLUG}/invites", data=form)
    assert made.status_code == 303, made.text
    return owner.get(f"/e/{SLUG}/people").text.split("/join/")[1].split("<")[0].split('"')[0].strip()


class Labeler:
    """Answers, and remembers what was acknowledged."""

    def __init__(self, urls: list[str], code: str) -> None:
        self.urls, self.tab, self.held = list(urls), str(uuid.uuid4()), []
        self.acknowledged: dict[str, str] = {}
        """Assignment by response."""
        self.answer_s: list[float] = []
        self.refused: list[str] = []
        """Answers other than 2xx that no client tries again."""
        self.away = 0
        """Requests without an answer, tried again."""
        self.http = httpx.Client(timeout=20, trust_env=False)
        page = self.http.get(f"{urls[0]}/join/{code}").text
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        joined = self.http.post(f"{urls[0]}/join/{code}", data={"csrfmiddlewaretoken": token})
        assert joined.status_code == 303, joined.text
        self.http.headers["X-CSRFToken"] = self.http.get(f"{urls[0]}/api/v1/me").json()["csrf_token"]

    def work(self, stop: threading.Event, every_s: float) -> None:
        """Answer until stopped."""
        rng = random.Random(self.tab)
        while not stop.wait(every_s * rng.uniform(0.5, 1.5)):
            if not self.held:
                body = {"want": 2, "have": [], "tab": self.tab}
                claimed = self.call("POST", f"/api/v1/experiments/{SLUG}/queue:claim", body, stop)
                self.held = [row["assignment"] for row in claimed["assignments"]] if claimed else []
            if self.held:
                self.answer(self.held.pop(0), stop)

    def answer(self, assignment: str, stop: threading.Event) -> bool:
        """One answer, sent until it is acknowledged; whether it was."""
        response, begun = str(uuid.uuid4()), time.perf_counter()
        body = {
            "answer": {"assignment": assignment, "side": "left"},
            "refill": {"want": 1, "have": self.held, "tab": self.tab},
        }
        taken = self.call("PUT", f"/api/v1/responses/{response}", body, stop)
        if taken is None:
            return False
        self.answer_s.append(time.perf_counter() - begun)
        self.acknowledged[response] = assignment
        self.held += [row["assignment"] for row in taken["refill"]]
        return True

    def call(self, method: str, path: str, body: dict, stop: threading.Event) -> dict | None:
        """What the server answers, as a page asks for it: again where nobody answers, and where it is busy."""
        while not stop.is_set():
            try:
                got = self.http.request(method, self.urls[0] + path, json=body)
            except httpx.TransportError:
                self.away += 1
                self.urls.append(self.urls.pop(0))
                time.sleep(0.05)
                continue
            if got.status_code in (429, 503):
                time.sleep(0.2)
            elif got.is_success:
                return got.json()
            else:
                self.refused.append(f"{path}: {got.status_code} {got.text[:300]}")
                return None
        return None


def work_for(labelers: list[Labeler], seconds: float, every_s: float = 0.25, during=lambda: None) -> None:
    """All of them at once; `during` is called meanwhile."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.work, args=(stop, every_s)) for one in labelers]
    for thread in threads:
        thread.start()
    try:
        begun = time.monotonic()
        during()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
