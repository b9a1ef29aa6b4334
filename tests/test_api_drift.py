"""What the notebooks and helpers call exists in the versions at hand.

Read from the code, not run: also calls that only a GPU or the Hub reaches.
CI runs this with the newest versions and with those that Colab ships.
"""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = {"transformers", "peft", "datasets", "bitsandbytes", "accelerate",
             "huggingface_hub", "tokenizers", "safetensors"}
PINNED = ("transformers", "peft", "datasets", "accelerate", "numpy")
FAMILIES = ("Llama", "Qwen2", "GPTNeo", "GPTJ", "CodeGen")
# They leave what they do not name to a class that they choose.
HANDED_ON = ("from_pretrained", "from_config", "for_model")
# Handed on by every model to the attention, which is ours:
# helpers/teachers/sharing.py, compared with the library's in its test.
TO_OURS = {"prompt_layers"}
# Methods of objects that the code does not name the class of; where it may be
# of two, either may take a keyword.
METHODS = {
    "generate": "transformers:GenerationMixin",
    "apply_chat_template": "transformers:PreTrainedTokenizerBase",
    "batch_decode": "transformers:PreTrainedTokenizerBase",
    "save_pretrained": "transformers:PreTrainedModel peft:PeftModel",
    "resize_token_embeddings": "transformers:PreTrainedModel",
    "gradient_checkpointing_enable": "transformers:PreTrainedModel",
    "enable_input_require_grads": "transformers:PreTrainedModel",
    "merge_and_unload": "peft:LoraModel",
    "disable_adapter": "peft:PeftModel",
    "hf_hub_download": "huggingface_hub:HfApi",
    "snapshot_download": "huggingface_hub:HfApi",
}


def sources():
    for folder in ("helpers", "tests/benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name.startswith("test_"):
                continue
            yield pytest.param(path.read_text("utf-8"),
                               id=str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells
                         if cell.cell_type == "code")
        yield pytest.param(re.sub(r"^\s*[%!].*$", "pass", code, flags=re.M),
                           id=path.stem)


def find(module, name=None):
    """The module, or the object ``name`` in it; LookupError if missing."""
    try:
        found = importlib.import_module(module)
        if name is None:
            return found
        return getattr(found, name) if hasattr(found, name) else (
            importlib.import_module(f"{module}.{name}"))
    except ImportError as error:
        raise LookupError(f"{module} has no {name}: {error}") from None


class Reader(ast.NodeVisitor):
    """Walks over a source and collects ``complaints``."""

    def __init__(self, source):
        self.names = {}         # local name -> what it may be
        self.calls = 0
        self.complaints = []
        self.tree = ast.parse(source)
        for node in ast.walk(self.tree):
            self.learn(node)
        self.function = self.tree
        self.visit(self.tree)

    def learn(self, node):
        """Imports; and names given to one of several classes."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                if top in LIBRARIES:
                    self.note(alias.asname or top, alias.name
                              if alias.asname else top)
                    self.note("", alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module.partition(".")[0] in LIBRARIES:
                for alias in node.names:
                    self.note(alias.asname or alias.name, node.module,
                              alias.name)
        elif isinstance(node, ast.Assign) and isinstance(
                node.targets[0], ast.Name) and isinstance(
                node.value, ast.IfExp):
            found = [self.resolve(part) for part in
                     (node.value.body, node.value.orelse)]
            if all(found):
                self.names[node.targets[0].id] = sum(found, [])

    def note(self, local, module, name=None):
        try:
            self.names[local] = [find(module, name)]
        except LookupError as error:
            self.complaints.append(str(error))

    def resolve(self, node):
        """The objects that an expression may be, as far as can be seen."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, [])
        if isinstance(node, ast.Attribute):
            found = []
            for owner in self.resolve(node.value):
                if hasattr(owner, node.attr):
                    found.append(getattr(owner, node.attr))
                else:
                    self.complaints.append(
                        f"line {node.lineno}: {named(owner)} has no "
                        f"{node.attr}")
            return found
        return []

    def visit_FunctionDef(self, node):
        outer, self.function = self.function, node
        self.generic_visit(node)
        self.function = outer

    def visit_Attribute(self, node):
        self.resolve(node)
        if not isinstance(node.value, ast.Attribute):
            self.generic_visit(node)

    def visit_Call(self, node):
        called = self.resolve(node.func)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        keywords = {word for each in node.keywords for word in (
            [each.arg] if each.arg else self.spread(each.value))}
        if not called and isinstance(node.func, ast.Attribute) and (
                name in METHODS):
            either = [getattr(find(*one.split(":")), name)
                      for one in METHODS[name].split()]
            called, keywords = either[:1], {
                word for word in keywords
                if not any(accepts(one, word) for one in either)}
        self.calls += bool(called)
        for function in called:
            for keyword in keywords:
                if not accepts(function, keyword):
                    self.complaints.append(
                        f"line {node.lineno}: {named(function)} takes no "
                        f"{keyword}")
        if name == "model":
            taken = forward_keywords() | TO_OURS
            self.complaints += [
                f"line {node.lineno}: no model takes {keyword}"
                for keyword in keywords - taken]
        self.generic_visit(node)

    def spread(self, value):
        """The keys of a ``**options`` that its function writes out."""
        if isinstance(value, ast.Dict):
            return [key.value for key in value.keys
                    if isinstance(key, ast.Constant)]
        keys = []
        for node in ast.walk(self.function):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if target is None or not isinstance(value, ast.Name):
                continue
            if isinstance(target, ast.Name) and target.id == value.id:
                if isinstance(node.value, ast.Dict):
                    keys += self.spread(node.value)
                elif isinstance(node.value, ast.Call):
                    keys += [each.arg for each in node.value.keywords
                             if each.arg]
            elif isinstance(target, ast.Subscript) and isinstance(
                    target.value, ast.Name) and target.value.id == value.id:
                keys += [getattr(target.slice, "value", None)]
        return [key for key in keys if isinstance(key, str)]


def named(thing):
    return (f"{getattr(thing, '__module__', '')}."
            f"{getattr(thing, '__qualname__', repr(thing))}").strip(".")


def parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def forward_keywords():
    import transformers
    models = [getattr(transformers, f"{family}ForCausalLM")
              for family in FAMILIES]
    models.append(transformers.T5ForConditionalGeneration)
    return {name for model in models for name in parameters(model.forward)}


def accepts(function, keyword):
    """Whether the function names the keyword, or hands it on to one that does.

    ``generate`` hands it on to the generation's configuration or the model,
    a class to its bases, those of HANDED_ON to much else: there, and for a
    configuration or a tokenizer, a module that reads it must mention it.
    Any other function must name what it is given, also where it takes more.
    """
    import transformers
    names = parameters(function)
    bases = inspect.getmro(function)[:-1] if inspect.isclass(function) else ()
    if keyword in names or any(keyword in parameters(base.__init__)
                               for base in bases):
        return True
    if not names:               # written in another language, nothing is told
        return True
    config = transformers.PreTrainedConfig in bases
    if function is transformers.GenerationConfig:     # reads its keywords
        return hasattr(function(), keyword)
    generates = function.__name__ == "generate"
    if (generates or config) and hasattr(transformers.GenerationConfig(),
                                         keyword):
        return True
    if generates:
        return keyword in forward_keywords()
    if (config or transformers.PreTrainedTokenizerBase in bases
            or function.__name__ in HANDED_ON):
        modules = {transformers.modeling_utils,
                   transformers.configuration_utils,
                   transformers.tokenization_utils_base,
                   *map(inspect.getmodule, (function, *bases))}
        return any(re.search(rf"[\"']{keyword}[\"']|\b{keyword}: ",
                             inspect.getsource(module)) for module in modules)
    return False


@pytest.mark.skipif("CI" not in os.environ, reason="for CI's two runs")
def test_the_versions_at_hand_are_those_of_one_file():
    """So that both runs of CI, and that by hand, test what they say."""
    files = []
    for name in ("constraints-ci.txt", "constraints-colab.txt",
                 "constraints-lowest.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pins = dict(line.split("==") for line in lines if "==" in line)
        files.append([pins[name] for name in PINNED])
    assert files[0] != files[1] != files[2]
    assert [metadata.version(name) for name in PINNED] in files


@pytest.mark.parametrize("source", list(sources()))
def test_what_is_called_exists(source):
    assert not Reader(source).complaints


def test_the_calls_that_matter_are_seen():
    """Else the test above could pass by looking past everything."""
    seen = {param.id: Reader(param.values[0]) for param in sources()}
    for module, names in {
            "teachers/checkpoint": ("AutoModelForCausalLM",
                                    "BitsAndBytesConfig"),
            "training": ("LoraConfig", "get_peft_model"),
            "hub": ("load_dataset",)}.items():
        reader = seen[f"helpers/{module}.py"]
        assert set(names) <= set(reader.names) and reader.calls >= 2


@pytest.mark.parametrize("code, said", [
    ("from transformers import AutoModelForCasualLM", "AutoModelForCasualLM"),
    ("import peft\npeft.LoraConfiguration(r=2)", "LoraConfiguration"),
    ("from peft import LoraConfig\nLoraConfig(rank=2)", "takes no rank"),
    ("from transformers import BitsAndBytesConfig as B\n"
     "B(load_in_4bit=True, bnb_4bit_quant='nf4')", "bnb_4bit_quant"),
    ("from transformers import AutoConfig, AutoModel, AutoTokenizer\n"
     "def load(a):\n    kind = AutoModel if a else AutoTokenizer\n"
     "    options = {'dtype': 1}\n    options['device_mapp'] = 0\n"
     "    kind.from_pretrained('x', **options)", "device_mapp"),
    ("from transformers.utils import logging\nlogging.set_verbosity_eror()",
     "set_verbosity_eror"),
    ("from datasets import load_dataset\n"
     "load_dataset('x', trust_remote_code=True)", "trust_remote_code"),
    ("def f(lm):\n    lm.model.generate(max_new_token=3)", "max_new_token"),
    ("def f(lm):\n    lm.model(ids, num_logits_to_keep=1)", "num_logits"),
    ("from transformers import GenerationConfig as G\nG(max_new_token=1)",
     "max_new_token"),
    ("def f(t):\n    t.apply_chat_template([], tokenise=False)", "tokenise"),
    ("import transformers.cache\n", "transformers.cache"),
])
def test_what_does_not_exist_is_told(code, said):
    complaints = Reader(code).complaints
    assert complaints and said in complaints[0]


def test_what_exists_is_not_complained_about():
    reader = Reader("""
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers import AutoTokenizer as T, LlamaConfig
def load(name, lm, t):
    four = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
                              bnb_4bit_compute_dtype=torch.float16)
    model = AutoModelForCausalLM.from_pretrained(
        name, dtype=torch.float16, device_map={"": 0}, revision="main",
        attn_implementation="sdpa", quantization_config=four)
    T.from_pretrained(name, padding_side="left", revision="main")
    lm.model.generate(input_ids=1, attention_mask=1, do_sample=True,
                      top_p=0.9, num_return_sequences=2, use_cache=True)
    lm.model(input_ids=1, use_cache=True, logits_to_keep=1)
    t.apply_chat_template([], tokenize=False, add_generation_prompt=True)
    get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    return LlamaConfig(hidden_size=8, num_hidden_layers=1)
""")
    assert not reader.complaints and reader.calls == 8


def test_what_bitsandbytes_looks_for_in_vain_is_not_told_in_red():
    """On processors with AVX512-BF16 it does as soon as peft is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", "import helpers\n"
         "from bitsandbytes.backends.cpu import ops\n"
         "ops.logger.warning('Failed to load')"], cwd=ROOT, text=True,
        capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
