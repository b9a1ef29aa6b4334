"""One prompt and many samples: its keys and values are kept once.

All samples of a prompt look at the same keys.  With a copy of them in each
row, a small model with a long prompt spends half of its time on reading the
copies from memory; kept once, they are read once for all rows.  What a row
sees of its prompt and of its own words is put together by the weight of each:
the sum of exponentials, of which attention knows the logarithm.  (Cascade or
shared-prefix attention; the idea is in Hydragen, arXiv 2402.05099.)

For CPUs, and for the models in ``SHARING``, whose attention the library lets
one choose.
"""

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED = "sdpa_shared_prompt"
SHARING = ("llama", "qwen2")
FEW = 8                    # samples of a prompt, below which copies are faster


class RoomyLayer(DynamicLayer):
    """Keys and values of one layer in a buffer with room to grow.

    The library's own layer copies everything that was read so far to add one
    token.  With a prompt that is long and a model that is small, a good part
    of the time goes into that copying.
    """

    room = None

    def update(self, keys, values, *args, **kwargs):
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        old, new = DynamicLayer.get_seq_length(self), keys.shape[-2]
        fits = (self.room is not None and old + new <= self.room[0].shape[-2]
                and keys.shape[0] == self.room[0].shape[0])
        if not fits:
            # keys may be wider than values, as in DeepSeek's models
            self.room = tuple(part.new_empty(
                *part.shape[:2], old + new + 64, part.shape[-1])
                for part in (keys, values))
            if old:
                self.room[0][:, :, :old] = self.keys
                self.room[1][:, :, :old] = self.values
        self.room[0][:, :, old:old + new] = keys
        self.room[1][:, :, old:old + new] = values
        self.keys = self.room[0][:, :, :old + new]
        self.values = self.room[1][:, :, :old + new]
        return self.keys, self.values


class SharedLayer(RoomyLayer):
    """A layer whose rows, once repeated, keep their own words only.

    ``prompts``: keys and values (prompts, heads, length, size) that were read
    before, or None; ``owner`` (rows,): the prompt of each row, ``place``
    (rows,): the how manieth of its rows it is.
    """

    prompts = owner = place = None

    def get_seq_length(self):
        """Tokens of the prompt and of the words behind it."""
        read = 0 if self.prompts is None else self.prompts[0].shape[-2]
        return read + super().get_seq_length()

    def batch_repeat_interleave(self, repeats):
        if repeats < FEW:
            return super().batch_repeat_interleave(repeats)
        self.prompts, self.room = (self.keys, self.values), None
        count, heads, _, size = self.keys.shape
        self.keys = self.keys.new_empty((count * repeats, heads, 0, size))
        self.values = self.keys.clone()
        self._belong(torch.arange(count, device=self.keys.device)
                     .repeat_interleave(repeats))

    def batch_select_indices(self, indices):
        super().batch_select_indices(indices)
        if self.prompts is not None:
            left, owner = self.owner[indices].unique(return_inverse=True)
            if len(left) < len(self.prompts[0]):
                self.prompts = tuple(part[left] for part in self.prompts)
            self._belong(owner)

    def _belong(self, owner):
        """``owner`` is sorted, so a prompt's rows are neighbours."""
        first = torch.searchsorted(owner, owner)
        self.owner, self.place = owner, torch.arange(
            len(owner), device=owner.device) - first

    def look_back(self, query, scale):
        """What each row sees of its prompt; (output, logarithm of its sum).

        ``query`` (rows, heads of keys, sharing, size).
        """
        _, heads, share, size = query.shape
        most = int(self.place.max()) + 1
        table = query.new_zeros((len(self.prompts[0]), most, *query.shape[1:]))
        table[self.owner, self.place] = query
        output, weight = attend(
            table.transpose(1, 2).reshape(-1, heads, most * share, size),
            *self.prompts, scale)
        rows = self.owner, slice(None), self.place
        return (output.reshape(-1, heads, most, share, size)[rows],
                weight.reshape(-1, heads, most, share)[rows])


def attend(query, key, value, scale):
    """Attention to all keys; (output, logarithm of the sum of exponentials).

    The function that PyTorch's own attention calls on a CPU, which tells the
    sum, too.
    """
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, scale=scale)


def shared_attention(module, query, key, value, attention_mask, scaling=None,
                     prompt_layers=None, **options):
    """Attention as transformers asks for it; (output, None).

    ``prompt_layers`` are the :class:`SharedLayer` of a model's layers, or
    None, and then, as where nothing is shared yet, it is the library's.
    """
    layer = prompt_layers and prompt_layers[module.layer_idx]
    if not layer or layer.prompts is None:
        return sdpa_attention_forward(module, query, key, value,
                                      attention_mask, scaling=scaling,
                                      **options)
    rows, heads, _, size = query.shape            # of one token
    query = query.reshape(rows, key.shape[1], -1, size)
    own, weight = attend(query, key, value, scaling)
    before, other = layer.look_back(query, scaling)
    found = torch.lerp(own, before, torch.sigmoid(other - weight)
                       .to(own.dtype)[..., None])
    return found.reshape(rows, 1, heads, size), None


def may_share(config):
    """Whether a model may be loaded with this attention, by its ``config``.

    It sees the whole prompt, so no layer may look through a window.
    """
    return (config.model_type in SHARING
            and not getattr(config, "use_sliding_window", False))


def allow_sharing():
    """The name under which a model can be loaded with this attention."""
    AttentionInterface.register(SHARED, shared_attention)
    AttentionMaskInterface.register(SHARED, sdpa_mask)
    return SHARED
