"""Helpers of the notebooks; README.md beside this file is the map.

profiles -> problems -> prompts -> sampling -> plans -> filtering -> training
-> multitask -> evaluation, in the order of the data, and rooms beside them:
the judge in ``execution``, models in ``teachers``, pictures in ``figures``.
"""

import warnings

# The notebooks show progress as text, on purpose: widget state breaks
# notebooks on GitHub.  Libraries that look for widgets need not tell.
warnings.filterwarnings("ignore", message="IProgress not found")
# peft asks models by a name that transformers is giving up: a matter between
# the two, which would stand in red wherever an adapter is added or read.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated",
                        FutureWarning)
