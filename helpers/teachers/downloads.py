"""What a model of the Hub weighs, said once, before it is fetched."""

import json
import os
import re
from pathlib import Path

# The files that the library reads weights from, the better first.
WEIGHT_FILES = (
    ("model.safetensors", r"model(-\d+-of-\d+)?\.safetensors"),
    ("pytorch_model.bin", r"pytorch_model(-\d+-of-\d+)?\.bin"))


def here(source, name, **pin):
    """Where a file of a model lies in the cache of the Hub, or None."""
    from huggingface_hub import try_to_load_from_cache
    try:
        path = try_to_load_from_cache(source, name, **pin)
    except ValueError:               # no name of the Hub
        return None
    return Path(path) if isinstance(path, str) else None


def weights_are_here(source, **pin):
    """Whether all weights of a model are in the cache."""
    for name, _ in WEIGHT_FILES:
        if here(source, name, **pin):
            return True
        index = here(source, f"{name}.index.json", **pin)
        if index:
            parts = json.loads(index.read_text("utf-8"))["weight_map"]
            return all(here(source, part, **pin)
                       for part in set(parts.values()))
    return False


def missing_bytes(source, **pin):
    """How many bytes of weights would be fetched; 0 where nobody can tell.

    Why the Hub does not answer is said by who fetches.
    """
    from huggingface_hub import HfApi
    try:
        sizes = {entry.path: getattr(entry, "size", 0) for entry in
                 HfApi().list_repo_tree(source, **pin)}
    except Exception:
        return 0
    for _, pattern in WEIGHT_FILES:
        found = [name for name in sizes if re.fullmatch(pattern, name)]
        if found:
            return sum(sizes[name] for name in found
                       if not here(source, name, **pin))
    return 0


def announce(source, **pin):
    """Say what will be fetched; the Hub's own bars then show how far it is.

    Without ``source``, and where all is here, there is nothing to wait for,
    and no bar.
    """
    from huggingface_hub.constants import HF_HUB_CACHE
    from transformers.utils import logging
    if not source or weights_are_here(source, **pin):
        logging.disable_progress_bar()
        return
    if "HF_HUB_DISABLE_PROGRESS_BARS" not in os.environ:
        logging.enable_progress_bar()
    size = missing_bytes(source, **pin)
    if size:
        told = (f"{size / 1e9:,.1f} GB" if size >= 1e8 else
                f"{size / 1e6:,.1f} MB")
        print(f"fetching {source} from the Hugging Face Hub, {told}, once; "
              f"it is kept in {HF_HUB_CACHE}", flush=True)
