"""The three pairs that somebody sees before the first real one."""

KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowUp", "cant_tell": "ArrowDown"}


def wait_practice(page, number):
    page.wait_for_function(
        """number => document.querySelector('#practice-text').textContent.includes(`${number} of 3`)
          && document.querySelector(`#left-${document.querySelector('#pair').dataset.front}`).currentTime > 0""",
        arg=number,
    )


def newcomer(labeler, **options):
    window = labeler(**options)
    window.context.add_init_script("localStorage.removeItem('rl-teacher.met')")
    sent = []
    window.page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    window.open("practice")
    window.page.keyboard.press("Escape")  # the dialog that explains the keys
    return window, sent


def test_a_newcomer_tries_three_pairs_and_nothing_of_it_is_stored(experiment, films, labeler):
    experiment.ask_some(films, 3)
    window, sent = newcomer(labeler)
    for number, (wrong, right) in enumerate([("left", "right"), ("cant_tell", "tie"), ("left", "cant_tell")], 1):
        wait_practice(window.page, number)
        window.page.keyboard.press(KEYS[wrong])
        assert window.page.inner_text("#hint")
        assert f"{number} of 3" in window.page.inner_text("#practice-text")
        window.page.keyboard.press("u")
        window.page.keyboard.press(KEYS[right])
    assert sent == []  # no pair was held meanwhile either
    window.wait("open")
    assert not window.page.is_visible("#practice")
    assert [url for url in sent if "responses" in url] == []
    assert experiment.events() == []
    window.answer("ArrowLeft")
    window.wait_saved()
    assert len(experiment.events()) == 1
    window.page.reload()  # known by the answer, on whatever browser
    window.wait("open")


def test_the_practice_can_be_skipped_on_a_phone(experiment, films, labeler):
    experiment.ask_some(films, 3)
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    window, _ = newcomer(labeler, **phone)
    wait_practice(window.page, 1)
    window.page.tap("#practice [data-action=skip]")
    window.wait("open")
    assert experiment.events() == []
