"""Why a checkpoint cannot be loaded, and what to do, in a clause.

The libraries say it in their own words, many of them for their developers.
"""

import json
import re
import warnings
from pathlib import Path

from helpers.hub import reason
from helpers.tools.arguments import see_that_it_is_a_path

DAMAGED = ("it is incomplete or damaged; restore it with `git checkout`, or "
           "rebuild it with `python -m helpers rebuild-mini`")
GGUF = ("it is a file for llama.cpp (GGUF), which is not read here; take the "
        "model that it was made of, or serve it and name the server's address")
# What the libraries say, and what it means for who chose the model.
LIBRARY_WORDS = (
    (r"custom code|trust_remote_code", "it comes with code of its own, which "
     "is not run here; choose another model, or serve it elsewhere and name "
     "the server's address"),
    (r"Unrecognized configuration class", "it is no model that continues "
     "texts; choose another"),
    (r"does not recognize this architecture|model type .* but", "its kind is "
     "newer than the package transformers that is installed; update that, or "
     "choose another model"),
    (r"lacks weights", "its files hold no weights for a part of it: they are "
     "of another kind of model, or packed by a method that is not installed; "
     "choose another"))


def why(error, name, folder, source):
    """A clause on the checkpoint ``name``, whose loading raised ``error``.

    ``folder``: where it would lie; ``source``: its name on the Hub.
    """
    folder = Path(folder)
    if not str(name).strip():
        return "the name is empty; write a folder or owner/name"
    adapter = folder / "adapter_config.json"
    if adapter.is_file() and not (folder / "config.json").is_file():
        return (f"it is an adapter of {base_of(adapter)}; load it with "
                f"helpers.training.load_student(base, folder)")
    if re.search(r"gguf", f"{name}", re.IGNORECASE) or (
            folder.is_dir() and any(folder.glob("*.gguf"))):
        return GGUF
    if folder.is_file():
        return "it is a file; a checkpoint is a folder with config.json"
    for words, meaning in LIBRARY_WORDS:
        if re.search(words, str(error)):
            return meaning
    if folder.is_dir():
        return DAMAGED
    return (f"it is no folder here, and on the Hugging Face Hub "
            f"{reason(error, source)}")


def base_of(adapter):
    """The model that an adapter belongs to, as its file says."""
    try:
        found = json.loads(adapter.read_text("utf-8"))
        return found["base_model_name_or_path"] or "another model"
    except (OSError, ValueError, KeyError, TypeError):
        return "another model"


def refuse_holes(model, told):
    """Raises ``ValueError`` where a part of the model was in no file.

    The library would fill it with random numbers, and only warn.  ``told``:
    the library's record of the loading.
    """
    holes = sorted(told.get("missing_keys") or ())
    if holes:
        raise ValueError(f"it lacks weights for {', '.join(holes[:2])}"
                         f"{', ...' * (len(holes) > 2)}")
    return model


def see_that_it_is_an_adapter(folder):
    """``folder`` as a Path, where an adapter is in it.

    Raises ``FileNotFoundError`` where none is, ``ValueError`` for no path.
    """
    see_that_it_is_a_path(folder)
    folder = Path(folder)
    if not (folder / "adapter_model.safetensors").exists():
        raise FileNotFoundError(f"there is no adapter in {folder.name}; "
                                f"notebook 05 trains and saves it")
    return folder


def config_of(model):
    """The settings of the adapter that ``model`` has on; they may be changed.

    Raises ``ValueError`` where it has none.
    """
    if not hasattr(model, "peft_config"):
        raise ValueError("this model has no adapter that could be saved; "
                         "helpers.training.add_lora puts one on")
    return model.peft_config["default"]


def put_on(model, adapter):
    """``model`` with the adapter of the folder ``adapter``, as peft has it.

    Raises ``ValueError`` for one that is damaged, or of another model.
    """
    from peft import PeftModel
    try:
        with warnings.catch_warnings():     # it would go on without a part
            warnings.filterwarnings("error", "Found missing adapter keys")
            return PeftModel.from_pretrained(model, str(adapter))
    except Exception as error:              # each library has its own
        of_another = re.search("size mismatch|[Tt]arget modules|missing "
                               "adapter keys", str(error))
        told = (f"it belongs to {base_of(adapter / 'adapter_config.json')}; "
                f"load that as its base" if of_another else
                "it is damaged; save it again, notebook 05 makes one")
        raise ValueError(f"the adapter in {adapter.name} cannot be put on "
                         f"this model: {told}") from None
