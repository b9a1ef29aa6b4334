"""Files: the old one or the new one after a kill; an error names its line.
"""

import os
from pathlib import Path


def write_text(path, text):
    """Write ``text`` so that a kill leaves the old file or the new one.

    Introduced in notebook 00, section 1.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
