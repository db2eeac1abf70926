from snncore import ledger
from snncore.tasks.stories import arrays
from snncore.tasks.talk_stories import TALK, in_the_talk

ASKED = [(name, answer, story.example(question)) for story in TALK for question, (name, answer) in story.asked.items()]


def test_the_answers_of_the_talk_follow_from_its_stories():
    claims = ledger.package_claims()
    assert len({name for name, *_ in ASKED}) == len(ASKED) == 9
    for name, answer, example in ASKED:
        assert in_the_talk(example.answer) == answer == claims[f"rel.example.{name}"].published


def test_the_words_of_the_talk_s_stories_are_those_of_the_vocabulary():
    assert len(arrays([example for *_, example in ASKED])[1]) == len(ASKED)
