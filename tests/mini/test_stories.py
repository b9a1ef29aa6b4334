"""Stories: their answers, and what their authors write of them."""

from helpers.mini import stories


def test_answers_of_stories_by_another_road():
    """The answer, recomputed from the words of the question."""
    import random
    words = {"doubles": (2, "*"), "triples": (3, "*"), "halves": (2, "/")}
    rng = random.Random(1)
    for _ in range(300):
        story = stories.draw_story(rng, rng.randint(1, 7), True, 2)
        first, *told = story.question.split(". ")[:-1]
        value, events = int(first.split()[3]), []
        for sentence in told:
            _, day, _, verb, what, *_ = sentence.split()
            place = stories.DAYS.index(day)
            if verb in words:
                events.append((place, *words[verb]))
            for sign, verbs in stories.VERBS.items():
                if verb in verbs:
                    events.append((place, int(what), sign))
        for _, number, sign in sorted(events):
            assert sign != "/" or value % 2 == 0
            value = int(eval(f"{value} {sign} {number}"))
            assert 0 <= value <= stories.LARGEST
        assert value == story.answer
        assert len(events) == len(story.events)


def test_a_careful_author_is_right_and_a_careless_one_is_not_always():
    import random
    rng = random.Random(2)
    right = {0.0: 0, 0.3: 0}
    for _ in range(300):
        story = stories.draw_story(rng, 3, True, 1)
        for error in right:
            scope = {}
            exec(stories.write_program(
                rng, story, stories.Author("days", error)), scope)
            right[error] += scope["answer"] == story.answer
    assert right[0.0] == 300
    assert 60 < right[0.3] < 200


def test_a_spoilt_program_fails_in_every_way():
    import random
    from collections import Counter
    rng, found = random.Random(3), Counter()
    for _ in range(300):
        story = stories.draw_story(rng, 3, True, 1)
        program = stories.spoil(rng, stories.write_program(
            rng, story, stories.Author("days", 0.0)))
        try:
            code = compile(program, "", "exec")
        except SyntaxError:
            found["unparsable"] += 1
            continue
        if "while left > 0" in program:
            assert "left -" not in program and "break" not in program
            found["for ever"] += 1
            continue
        try:
            exec(code, {})
        except (NameError, ZeroDivisionError) as error:
            found[type(error).__name__] += 1
        else:
            found["unharmed"] += 1
    assert found["unharmed"] == 0 and len(found) == 4
    assert min(found.values()) > 20
