"""The judge: programs that nobody has checked, run and compared.

    with Runner() as runner:
        verdict = runner.judge(problem, "answer = 6 * 7")

``runner`` is what you call; ``verdicts`` the comparisons; ``modes`` one
program in each mode; ``cache`` what came out; ``workers`` the processes.
What runs in these processes, and imports nothing of ours, is in ``inside/``.
"""

from helpers.execution.runner import CANARIES, Runner
from helpers.execution.verdicts import (COMPARATORS, STATUSES, Verdict,
                                        compare, compare_call, compare_output,
                                        disagreements, explain_disagreement)
from helpers.execution.workers import Layer

__all__ = ["CANARIES", "COMPARATORS", "STATUSES", "Layer", "Runner",
           "Verdict", "compare", "compare_call", "compare_output",
           "disagreements", "explain_disagreement"]
