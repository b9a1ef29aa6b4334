"""Layers and gradients of an answer that lives in another process."""

import torch

from helpers.marking.crossing import array_of, read_arrays


class _Elsewhere(torch.autograd.Function):
    """Outputs that were computed over there, and so are their gradients."""

    @staticmethod
    def forward(context, ask, outputs, *leaves):
        context.ask, context.shapes = ask, [each.shape for each in leaves]
        return tuple(each.clone() for each in outputs)

    @staticmethod
    def backward(context, *wanted):
        found = context.ask(wanted)
        if len(found) != len(context.shapes) or any(
                each is not None and each.shape != shape
                for each, shape in zip(found, context.shapes)):
            raise RuntimeError("the gradients that came have other shapes")
        return (None, None, *found)


def connected(outputs, leaves, ask):
    """``outputs`` as tensors with a gradient that leads to ``leaves``."""
    with torch.enable_grad():
        if leaves:
            return list(_Elsewhere.apply(ask, outputs, *leaves))
        return [each.requires_grad_() for each in outputs]


class LayerElsewhere(torch.nn.Module):
    """Has the weights of a layer over there; ``call`` computes forward."""

    def __init__(self, state, call):
        super().__init__()
        self.call = call
        for (name, _, trained), weight in zip(state, read_arrays(
                [part for _, part, _ in state])):
            *parents, last = str(name).split(".")
            owner = self
            for parent in parents:
                if parent not in owner._modules:
                    owner.add_module(parent, torch.nn.Module())
                owner = owner._modules[parent]
            owner.register_parameter(last, torch.nn.Parameter(
                weight, requires_grad=bool(trained)))

    def forward(self, *arguments):
        """Its output, computed where it lives."""
        return self.call(self, arguments)

    def state(self):
        """The weights as they are now, as ``Packer.state`` has them."""
        return [[name, array_of(weight), weight.requires_grad]
                for name, weight in self.named_parameters()]

    def trained(self):
        """The weights with a gradient."""
        return [weight for weight in self.parameters()
                if weight.requires_grad]


def refill(model, state):
    """Give a model of ours the weights that it has over there."""
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for (name, _, _), weight in zip(state, read_arrays(
                [part for _, part, _ in state])):
            weights[name].copy_(weight)
