"""The files of the rivals' runs, which ``python -m helpers rivals`` writes.
"""

import json

from helpers.profiles import find_artefact


def read_runs(profile, name, take):
    """What ``take(facts, runs)`` makes of the file of a rival's runs.

    ``facts`` is all that is in the file, ``runs`` its runs by their seeds or
    rates.  Raises ``FileNotFoundError`` as
    :func:`helpers.profiles.find_artefact` does, and ``ValueError`` for a
    broken file, also where ``take`` finds it so.
    """
    path = find_artefact(profile, f"rivals/{name}.json")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return take(facts, [facts["runs"][key] for key in
                            sorted(facts["runs"], key=float)])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not a whole file of runs ({error});"
                         f" delete it and run `python -m helpers rivals "
                         f"{name}`") from None
