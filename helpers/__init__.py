"""Helpers of the notebooks, one module per idea, in the order of the data.

problems -> prompts -> sampling -> execution -> filtering -> training ->
evaluation -> figures.  No module imports a later one.  Each public name says
in which notebook it is introduced.
"""

import warnings

# The notebooks show progress as text, on purpose: widget state breaks
# notebooks on GitHub.  Libraries that look for widgets need not tell.
warnings.filterwarnings("ignore", message="IProgress not found")
