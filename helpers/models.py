"""Language models: loading a checkpoint, and a name that tells its weights.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from .profiles import ROOT


@dataclass
class LanguageModel:
    """A checkpoint ready to sample from; ``name`` bears its fingerprint.

    Introduced in notebook 02, section 2.
    """

    name: str
    model: torch.nn.Module
    tokenizer: object

    def prompt_ids(self, text):
        """The token ids of a prompt.

        An encoder is told where the text ends, as it was in training.
        """
        ids, end = self.tokenizer(text)["input_ids"], [
            self.tokenizer.eos_token_id]
        whole = not self.model.config.is_encoder_decoder or ids[-1:] == end
        return ids if whole else ids + end

    @cached_property
    def newline_tokens(self):
        """Ids of the tokens that hold a newline, where a line may end."""
        texts = self.tokenizer.batch_decode(
            [[i] for i in range(len(self.tokenizer))])
        return torch.tensor([i for i, text in enumerate(texts)
                             if "\n" in text])


def fingerprint(folder):
    """Eight hexadecimal digits of the weights in ``folder``.

    A model that was trained anew must not be answered from an old cache.
    Where there is no such folder, as for a model on the Hub, its name stands
    for the weights.
    """
    digest = hashlib.sha256(b"" if Path(folder).is_dir()
                            else Path(folder).name.encode())
    for path in sorted(Path(folder).glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def load_model(name, four_bit=False, train=False):
    """The language model ``name`` with its tokenizer.

    ``name`` is a folder below the repository or a name on the Hugging Face
    Hub, of a decoder-only model or an encoder-decoder.  Numbers are 32 bits
    wide on a CPU, and wherever the model is to be trained (``train``), as
    small gradients vanish in 16 bits; else on a GPU 16 bits, bfloat16 only
    where the card computes in it (capability 8.0 and newer; a T4 would
    emulate it, slowly).  ``four_bit`` loads NF4 weights by bitsandbytes.
    Raises ``FileNotFoundError`` for a missing or broken checkpoint.
    Introduced in notebook 02, section 2.
    """
    from transformers import (AutoConfig, AutoModelForCausalLM,
                              AutoModelForSeq2SeqLM, AutoTokenizer)
    from transformers.utils import logging
    logging.disable_progress_bar()      # of reading a file that is here
    folder = ROOT / name
    local = folder.is_dir()
    options = {"dtype": torch.float32}
    if torch.cuda.is_available():
        modern = torch.cuda.get_device_capability() >= (8, 0)
        dtype = torch.bfloat16 if modern else torch.float16
        dtype = torch.float32 if train else dtype
        options = {"dtype": dtype, "device_map": {"": 0}}
        if four_bit:
            from transformers import BitsAndBytesConfig
            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4",
                bnb_4bit_compute_dtype=dtype)
    source = str(folder) if local else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        kind = (AutoModelForSeq2SeqLM if AutoConfig.from_pretrained(
            source).is_encoder_decoder else AutoModelForCausalLM)
        model = kind.from_pretrained(source, **options)
    except Exception as error:       # the libraries raise many kinds
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        remedy = ("it is incomplete or damaged; restore it with "
                  "`git checkout`, or rebuild it with "
                  "`python -m helpers rebuild-mini`" if local else
                  "it is no folder here; check the name, and the network if "
                  "it is on the Hugging Face Hub")
        raise FileNotFoundError(f"cannot load the model {name!r}: {remedy} "
                                f"({first[:200]})") from None
    mark = (fingerprint(folder) if local
            else (getattr(model.config, "_commit_hash", None) or "hub")[:8])
    return LanguageModel(f"{Path(name).name}@{mark}", model.eval(), tokenizer)
