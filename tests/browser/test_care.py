"""Gentle words on the labeling page."""

HINT = "() => document.querySelector('#hint').textContent.startsWith('You answer faster than the clips play.')"


def test_five_answers_quicker_than_the_clips_bring_a_gentle_word_and_cost_nothing(experiment, films, labeler):
    experiment.ask_some(films, 9)
    window = labeler().open()
    for number in range(5):
        assert window.page.inner_text("#hint") == "", number
        window.wait_next(window.answer("ArrowLeft"))
    window.page.wait_for_function(HINT)
    window.answer("ArrowRight")
    window.wait_saved()
    assert len(experiment.events()) == 6


def test_whoever_sees_the_clips_to_their_end_is_not_spoken_to(experiment, films, labeler):
    experiment.ask_some(films, 9)
    window = labeler().open()
    for number in range(6):
        if number == 3:
            window.page.wait_for_timeout(1600)  # a clip has a second
        window.wait_next(window.answer("ArrowLeft"))
    assert window.page.inner_text("#hint") == ""
