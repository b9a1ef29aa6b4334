"""What the models of ``mini-apps``, second edition, have read.

Students have read *code* only, as CodeGen has: questions answered by programs
that show their steps, by such with a comment above each step, by such with
all comments on top, and, where a story is short, by formulas alone
(:data:`CODE_ONLY`).  They never saw a plan, but somebody's comments are much
like one.

The teacher has read explanations as well (:data:`EXPLAINED`).  Who explains a
program slips rarely, who starts from the question more often.  Somebody who
is shown a formula alone explains what can be seen in it ("times 2, plus 4")
and not the days of a story that he does not know.
"""

from helpers.mini.formulas import (PEOPLE, draw_formula_story, formula_of,
                                   formulas, headed, hiding, order_of,
                                   showing, simplest_steps,
                                   write_derivation)
from helpers.mini.stories import FLIPPED
from helpers.mini.tasks import Step, question_of, told_steps
from helpers.prompts import section

# How many days the stories have; those that are explained are longer.
LENGTHS_READ = {1: 0.2, 2: 0.25, 3: 0.25, 4: 0.2, 5: 0.1}
LENGTHS_EXPLAINED = {1: 0.1, 2: 0.2, 3: 0.25, 4: 0.25, 5: 0.2}
# How programs are written in answer to a question alone, and of how many
# days the longest story is that is answered by a formula.
STYLES_READ = {"showing": 0.25, "commented": 0.30, "headed": 0.20,
               "hiding": 0.25}
HIDDEN_AT_ONCE = 2
SHUFFLED_READ = 0.3           # of the stories are told out of order
# What is given and what is asked for, how often, and how often a careful and
# a careless author slips in a step.
CODE_ONLY = {("question", "code"): (1.0, (0.02, 0.10))}
EXPLAINED = {("question", "code"): (0.15, (0.05, 0.15)),
             ("question", "plan"): (0.20, (0.10, 0.30)),
             ("code", "plan"): (0.25, (0.01, 0.04)),
             ("question", "code", "plan"): (0.25, (0.01, 0.04)),
             ("question", "plan", "code"): (0.15, (0.01, 0.04))}
TEXTBOOK_ERROR = 0.0
# Of those who plan from a question alone, so many follow the text where it is
# not in order.
HASTY = 0.5


def slipped(rng, steps, error):
    """The steps of an author who errs in a step with chance ``error``.

    Another operation, another number, or a step left out.  A slip that makes
    an unusual formula is noticed, and not made.
    """
    written = list(steps)
    for at in reversed(range(len(steps))):
        if rng.random() >= error:
            continue
        step, kind = steps[at], rng.choice(("op", "number", "skip"))
        new = []
        if kind == "op" and step.op in "+-":
            new = [Step(step.day, FLIPPED[step.op], step.number)]
        elif kind == "number" and step.op != "*":
            other = (rng.randint(1, 9) if step.op in "+-" else
                     step.number + 10)
            new = [Step(step.day, step.op, other)]
        tried = written[:at] + new + written[at + 1:]
        if tried and all(formula.usual for formula in formulas(tried)):
            written = tried
    return written


def draw_program(rng, steps, style):
    """A program of somebody's in one of :data:`STYLES_READ`."""
    person = rng.choice(PEOPLE)
    if style == "headed":
        return headed(steps, rng.choice((hiding, showing))(steps, person))
    if style == "hiding":
        return hiding(steps, person)
    return showing(steps, person, comments=style == "commented")


def draw_read(rng, examples, slips=True, kinds=CODE_ONLY,
              lengths=LENGTHS_READ, hasty=0):
    """One author's texts of one kind: (given, reply) pairs.

    Without ``slips``, as in the textbook, an author errs nowhere.
    ``lengths``: how often a story has so many days.  ``hasty``: the chance
    to follow the text of who plans from a question; of others it is half of
    that to slip in a step.
    """
    kind = rng.choices(list(kinds), [share for share, _ in kinds.values()])[0]
    error = rng.choice(kinds[kind][1]) if slips else TEXTBOOK_ERROR
    style = rng.choices(*zip(*STYLES_READ.items()))[0]
    pairs = []
    for _ in range(examples):
        length = rng.choices(*zip(*lengths.items()))[0]
        if kind == ("question", "code") and style == "hiding":
            length = rng.randint(1, HIDDEN_AT_ONCE)
        elif kind != ("question", "code"):
            style = rng.choice(("showing", "hiding"))
        story = draw_formula_story(rng, length,
                                   rng.random() < SHUFFLED_READ)
        # What is given is right for whoever explains or follows it.
        meant = order_of(story)
        from_question = len(kind) == 2 and kind[0] == "question"
        written = slipped(rng, meant, error)
        follow = hasty if kind[-1] == "plan" and slips else 0
        if from_question and rng.random() < max(follow, error / 2):
            told = told_steps(story)            # follows the story
            if all(formula.usual for formula in formulas(told)):
                written = told
        code = draw_program(rng, written if kind[-1] == "code" else meant,
                            style)
        plan = written if kind[-1] == "plan" else meant
        if kind == ("code", "plan") and style == "hiding":
            plan = slipped(rng, simplest_steps(formula_of(meant)), error)
        texts = {"question": question_of(story) + "\n", "code": code,
                 "plan": write_derivation(plan, days="question" in kind)}
        given = "".join(section(part, texts[part]) for part in kind[:-1])
        pairs.append((given + section(kind[-1]), texts[kind[-1]]))
    return pairs
