"""Both losses of a training, drawn while it goes on."""

import numpy as np
from IPython.display import display

from helpers.figures.style import (BLUE, DASHES, VERMILLION, Picture,
                                   label_lines, new_figure, png, running_mean,
                                   save)
from helpers.tools.arguments import counts

TASKS = (("code", BLUE), ("plan", VERMILLION))


def both_losses_figure(losses, updates, title=""):
    """The losses of code and plan against the update, of ``updates`` in all.

    ``losses``: (code, plan) pairs in nats per trained token of the task; a
    task that is left out (NaN) is not drawn.
    """
    figure, axes = new_figure("update", "loss (nats per token of the task)",
                              title)
    steps, labels, ends, top = np.arange(1, len(losses) + 1), [], [], 0.0
    for number, (task, colour) in enumerate(TASKS):
        values = np.array([pair[number] for pair in losses], dtype=float)
        if not len(values) or np.isnan(values).any():
            continue
        means = running_mean(values)
        axes.plot(steps, values, color=colour, linewidth=0.6, alpha=0.5)
        axes.plot(steps, means, color=colour, linewidth=2,
                  linestyle=DASHES[number])
        labels.append(f"{task} {means[-1]:.2f}")
        ends.append((steps[-1], means[-1], colour))
        top = max(top, values.max())
    axes.set_xlim(1, max(updates, 2))
    axes.set_ylim(0, 1.05 * top if top else 1)
    if ends:
        label_lines(axes, labels, ends)
    return figure


class LiveLosses:
    """A figure that is drawn anew every so many updates, in one place.

    ``live = LiveLosses(updates, title)`` goes to ``train_two_tasks`` as
    ``watch``; ``live.close(losses, path)`` draws the last picture and saves
    it.  Where nothing can be drawn anew, as in a notebook that is executed
    without a reader, the last picture is all that is left.  Introduced in
    notebook 06.
    """

    def __init__(self, updates, title="", every=10):
        counts(every=every)
        self.updates, self.title, self.every = updates, title, every
        self.handle = None

    def __call__(self, losses):
        if len(losses) == 1 or len(losses) % self.every == 0:
            self.draw(losses)

    def words(self, losses):
        """What the picture shows, for those who do not see it."""
        said = []
        for number, (task, _) in enumerate(TASKS):
            values = np.array([pair[number] for pair in losses], dtype=float)
            if len(values) and not np.isnan(values).any():
                means = running_mean(values)
                said.append(f"{task} from {values[0]:.2f} to "
                            f"{means[-1]:.2f} nats per token")
        return (f"Training losses after {len(losses)} of {self.updates} "
                f"updates. {self.title}: " + ", ".join(said) + ".")

    def draw(self, losses):
        """Show the losses so far; the picture's bytes."""
        alt = self.words(losses)
        data = png(both_losses_figure(losses, self.updates, self.title), alt)
        if self.handle is None:
            self.handle = display(Picture(data, alt), display_id=True)
        else:
            self.handle.update(Picture(data, alt))
        return data

    def close(self, losses, path=None):
        """The last picture, also if nothing was left to train."""
        data = self.draw(losses)
        if path is not None:
            save(data, path)
