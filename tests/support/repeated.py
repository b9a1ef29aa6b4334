"""What a training that was repeated comes to: the same."""

import torch


def same_losses(found, wanted):
    """Whether two lists of losses, or of tuples of them, are the same.

    To the last bit on a CPU.  On a card some layers' gradients are summed in
    no fixed order, T5's among them, and the last digits differ.
    """
    if not torch.cuda.is_available():
        return found == wanted
    one, other = (torch.tensor(losses) for losses in (found, wanted))
    return one.shape == other.shape and torch.allclose(
        one, other, rtol=1e-4, atol=0)


def same_weights(found, wanted):
    """Whether two tensors of weights are the same, in that sense.

    AdamW divides by the gradient's size, so that where it is nearly zero a
    weight may differ by more than its last digits: the norm is compared.  A
    lost update moves a tenth of it.
    """
    if not torch.cuda.is_available():
        return torch.equal(found, wanted)
    found, wanted = found.float(), wanted.float()
    return (found - wanted).norm() <= 1e-3 * wanted.norm()
