"""What came out for the claims of both papers, in one table.

A verdict is the one after the correction of its own study, as notebooks E1,
E3 and M9 give it; the functions that judge are theirs.
"""

from helpers.studies.claims import STUDENT_CLAIMS, common_level, judge_claim
from helpers.studies.dial import BASES, DIAL_SEEDS
from helpers.studies.dial_results import PRIMARY, dial_rows, load_along
from helpers.studies.ekt import SEEDS
from helpers.studies.ekt_claims import ekt_findings, tries
from helpers.studies.results import load_plan_standing

ON_THE_DIAL = ("two tasks, as released", PRIMARY[0],
               "plan sampling, equal tokens")


def outcome_rows(profile, levels):
    """A row for each claim: world, claim, verdicts, seeds, bases.

    ``levels``: the difficulty of each of CodePLAN's test problems.
    Introduced in notebook E3.  Raises as
    :func:`helpers.studies.results.read_runs`.
    """
    claims = [one for one in STUDENT_CLAIMS
              if one.whose == "paper" and not one.level]
    standings = {name: load_plan_standing(profile, name)
                 for one in claims for name in (one.one, one.other)}
    found = [("mini-gsm", one.claim.text, tries(one.claim.k), one.verdict)
             for _, one in ekt_findings(profile)]
    found += [("mini-apps", one.text, tries(
        one.k if isinstance(one.k, int) else 1), judge_claim(
            one, standings, levels, common_level(STUDENT_CLAIMS)).verdict)
        for one in claims]
    found += [("mini-apps-2", one["what"], f"dial {one['dial']:g}",
               one["ahead?"]) for one in dial_rows(load_along(profile))
              if one["what"] in ON_THE_DIAL]
    verdicts = {}
    for world, claim, at, verdict in found:
        verdicts.setdefault((world, claim), []).append(f"{at} {verdict}")
    return [{"world": world, "claim": claim, "verdict": "; ".join(some),
             "seeds": len(DIAL_SEEDS if world == "mini-apps-2" else SEEDS),
             "bases": len(BASES) if world == "mini-apps-2" else 1}
            for (world, claim), some in verdicts.items()]
