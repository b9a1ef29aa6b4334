"""Three curves with bands, as figures of pass@k are given them."""

import numpy as np

KS = np.array([1, 2, 5, 10, 50, 100])


def curve(start, end):
    mean = np.linspace(start, end, len(KS))
    return KS, mean, mean - 0.02, mean + 0.02


def three_curves():
    return {"teacher": curve(0.3, 0.99), "before": curve(0.05, 0.98),
            "after": curve(0.4, 0.985)}
