"""Helpers of the notebooks; README.md beside this file is the map.

profiles -> problems -> prompts -> sampling -> plans -> filtering -> training
-> multitask -> evaluation, in the order of the data, and rooms beside them:
the judge in ``execution``, models in ``teachers``, pictures in ``figures``.
"""

import logging
import os
import sys
import warnings

# Threads of OpenMP spin while they wait for each other, and a training beside
# one busy process, such as a browser's tab, takes several times as long
# (tests/benchmarks/busy.py).  These let them sleep sooner: of GNU's OpenMP
# turns of a loop, of LLVM's and Intel's milliseconds; with fewer turns lessons
# take longer on a quiet machine.  They are read when torch is loaded, so they
# stand here; a reader who has said how threads wait has said it for all.
CALM = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}
SPINNING = False                  # whether torch was there before
if "OMP_WAIT_POLICY" not in os.environ and CALM.keys() - os.environ.keys():
    os.environ.update({**CALM, **os.environ})
    SPINNING = "torch" in sys.modules

# The notebooks show progress as text, on purpose: widget state breaks
# notebooks on GitHub.  Libraries that look for widgets need not tell.
warnings.filterwarnings("ignore", message="IProgress not found")
# peft asks models by a name that transformers is giving up: a matter between
# the two, which would stand in red wherever an adapter is added or read.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated",
                        FutureWarning)
# peft loads bitsandbytes, which on some processors looks for a package that
# nobody needs here, and says in red that it is not there.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
