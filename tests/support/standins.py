"""Small checkpoints of every model family that a profile names.

Random weights, two layers, but the rest as on the Hub: the model class, the
tokenizer class (its vocabulary trained on texts of ours), the files and
their names, configuration files as older libraries wrote them, chat
templates, embeddings with more rows than there are tokens.
"""

import json
from functools import cache
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE, Unigram
from transformers import AutoConfig, AutoModelForCausalLM
from transformers import AutoModelForSeq2SeqLM

from helpers import plans, prompts
from helpers.profiles import ROOT

# What the profiles name, and what it is made of.
NAMES = {"Qwen/Qwen2.5-Coder-7B-Instruct": "qwen2-instruct",
         "Qwen/Qwen2.5-Coder-0.5B": "qwen2",
         "EleutherAI/gpt-j-6B": "gpt-j",
         "EleutherAI/gpt-neo-1.3B": "gpt-neo",
         "EleutherAI/gpt-neo-125m": "gpt-neo",
         "Salesforce/codegen-350M-mono": "codegen",
         "Salesforce/codet5-base": "codet5",
         "Salesforce/codet5-large-ntp-py": "codet5"}
KINDS = ("qwen2", "qwen2-instruct", "gpt-neo", "gpt-j", "codegen", "codet5",
         "t5")
QWEN_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
              r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
# ChatML as Qwen speaks it, in words of ours.
CHATML = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a "
    "helpful stand-in.<|im_end|>\n{% endif %}{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% endif %}")
END, START_TURN, END_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


# ------------------------------------------------------------ the tokenizers

@cache
def corpus():
    """Texts of ours: what the notebooks ask, and some Python."""
    texts = [prompts.few_shot_prompt(question, exemplars)
             for exemplars in prompts.EXEMPLARS.values()
             for question, _ in exemplars]
    texts += [plans.own_code_request(e["question"], e) + e["plan"] + e["code"]
              for e in plans.PLAN_EXEMPLARS.values()]
    texts += [(ROOT / "helpers" / name).read_text("utf-8")
              for name in ("prompts.py", "plans.py", "mini/stories.py")]
    import standin_data
    rows = standin_data.gsm_rows(9, 90) + standin_data.apps_rows(9, 90)
    return tuple(texts + [row["question"] for row in rows]
                 + [row.get("solutions", "") for row in rows])


@cache
def byte_level(kind, size=700):
    """(vocabulary, merges) of a byte-level BPE of ``size`` tokens."""
    tokenizer = Tokenizer(BPE())
    bytes_only = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=kind != "qwen2")
    tokenizer.pre_tokenizer = bytes_only if kind != "qwen2" else (
        pre_tokenizers.Sequence([pre_tokenizers.Split(
            Regex(QWEN_WORDS), "isolated"), bytes_only]))
    special = {"gpt2": [], "qwen2": []}.get(
        kind, ["<pad>", "<s>", "</s>", "<unk>", "<mask>"])
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    if kind == "gpt2":                   # its only special token is the last
        model["vocab"][END] = len(model["vocab"])
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def token(text, **flags):
    return {"content": text, "lstrip": False, "normalized": False,
            "rstrip": False, "single_word": False, "special": True, **flags}


def save_bytes(folder, vocabulary, merges, settings):
    """The tokenizer's files as older libraries wrote them."""
    write(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in merges),
        encoding="utf-8")
    write(folder / "tokenizer_config.json", settings)


def save_qwen(folder, instruct):
    """Qwen2Tokenizer; returns the number of tokens and the special ids."""
    from transformers import Qwen2Tokenizer
    vocabulary, merges = byte_level("qwen2")
    extra = [END, START_TURN, END_TURN, "<|fim_prefix|>", "<|fim_suffix|>",
             "<|fim_middle|>", "<|file_sep|>"]
    ids = {text: len(vocabulary) + i for i, text in enumerate(extra)}
    eos = END_TURN if instruct else END
    tokenizer = Qwen2Tokenizer(vocabulary, merges, eos_token=eos)
    tokenizer.add_special_tokens({"additional_special_tokens": extra[1:3]})
    tokenizer.add_tokens(extra[3:])
    for text, i in ids.items():     # the fast file, numbers as given here
        assert tokenizer.convert_tokens_to_ids(text) == i or instruct, text
    save_bytes(folder, vocabulary, merges, {
        "add_bos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(i): token(
            text, special=not text.startswith("<|fi"))
            for text, i in ids.items()},
        "additional_special_tokens": extra[1:3], "bos_token": None,
        "chat_template": CHATML, "clean_up_tokenization_spaces": False,
        "eos_token": eos, "errors": "replace", "model_max_length": 32768,
        "pad_token": END, "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None})
    text = Qwen2Tokenizer(vocabulary, merges)._tokenizer
    fast = Tokenizer.from_str(text.to_str())
    fast.add_special_tokens(extra[:3])
    fast.add_tokens(extra[3:])
    fast.save(str(folder / "tokenizer.json"))
    return len(ids) + len(vocabulary), ids


def save_gpt2(folder, cls, extra=()):
    """GPT2Tokenizer or CodeGenTokenizer, with added tokens behind it."""
    import transformers
    vocabulary, merges = byte_level("gpt2")
    added = {text: len(vocabulary) + i for i, text in enumerate(extra)}
    save_bytes(folder, vocabulary, merges, {
        "add_prefix_space": False, "bos_token": token(END, normalized=True),
        "eos_token": token(END, normalized=True), "errors": "replace",
        "model_max_length": 2048, "name_or_path": "gpt2",
        "special_tokens_map_file": None, "tokenizer_class": cls,
        "unk_token": token(END, normalized=True)})
    write(folder / "special_tokens_map.json", {
        name: token(END, normalized=True)
        for name in ("bos_token", "eos_token", "unk_token")})
    if added:
        write(folder / "added_tokens.json", added)
    fast = getattr(transformers, cls)(vocabulary, merges)._tokenizer
    fast = Tokenizer.from_str(fast.to_str())
    fast.add_tokens(list(added))
    fast.save(str(folder / "tokenizer.json"))
    return len(vocabulary) + len(added), {END: vocabulary[END]}


def save_roberta(folder):
    """RobertaTokenizer as CodeT5 has it: no fast file, sentinel tokens."""
    vocabulary, merges = byte_level("roberta")
    sentinels = [f"<extra_id_{i}>" for i in range(99, -1, -1)]
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
             "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>"}
    roles = {name: token(text, normalized=True)
             for name, text in roles.items()}
    roles["mask_token"] = token("<mask>", lstrip=True, normalized=True)
    roles["additional_special_tokens"] = [
        token(text, lstrip=True, normalized=True) for text in sentinels]
    save_bytes(folder, vocabulary, merges, {
        "add_prefix_space": False, "errors": "replace",
        "model_max_length": 512, "name_or_path": "Salesforce/codet5-base",
        "special_tokens_map_file": None, "trim_offsets": True,
        "tokenizer_class": "RobertaTokenizer",
        **{name: {**role, "__type": "AddedToken"}
           for name, role in roles.items() if isinstance(role, dict)}})
    write(folder / "special_tokens_map.json", roles)
    write(folder / "added_tokens.json", {
        text: len(vocabulary) + i for i, text in enumerate(sentinels)})
    return len(vocabulary) + len(sentinels), vocabulary


def save_t5(folder):
    """T5Tokenizer: pieces with scores; it knows no line break at all."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>", show_progress=False))
    from transformers import T5Tokenizer
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    own = T5Tokenizer([tuple(piece) for piece in pieces])
    own.save_pretrained(folder)
    return len(own), {"<pad>": 0, "</s>": 1}


# ---------------------------------------------------------------- the models

def qwen_config(rows, ids, instruct):
    eos = ids[END_TURN if instruct else END]
    return {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0,
            "bos_token_id": ids[END], "eos_token_id": eos,
            "hidden_act": "silu", "hidden_size": 64,
            "initializer_range": 0.02, "intermediate_size": 128,
            "max_position_embeddings": 32768, "max_window_layers": 2,
            "model_type": "qwen2", "num_attention_heads": 4,
            "num_hidden_layers": 2, "num_key_value_heads": 2,
            "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
            "sliding_window": 32768, "tie_word_embeddings": not instruct,
            "torch_dtype": "bfloat16", "transformers_version": "4.44.0",
            "use_cache": True, "use_sliding_window": False,
            "vocab_size": rows}


def gpt_config(kind, rows, ids):
    """GPT-Neo, GPT-J and CodeGen: one family of files, three of models."""
    end = ids[END]
    usual = {"activation_function": "gelu_new", "bos_token_id": end,
             "eos_token_id": end, "gradient_checkpointing": False,
             "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
             "use_cache": True, "vocab_size": rows}
    if kind == "gpt-neo":
        return usual | {
            "architectures": ["GPTNeoForCausalLM"], "attention_dropout": 0,
            "attention_layers": ["global", "local"],
            "attention_types": [[["global", "local"], 1]],
            "embed_dropout": 0, "hidden_size": 64, "intermediate_size": None,
            "max_position_embeddings": 2048, "model_type": "gpt_neo",
            "num_heads": 4, "num_layers": 2, "resid_dropout": 0,
            "tokenizer_class": "GPT2Tokenizer", "window_size": 32}
    usual |= {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "n_embd": 64, "n_head": 4,
              "n_inner": None, "n_layer": 2, "n_positions": 2048,
              "resid_pdrop": 0.0, "rotary_dim": 8, "scale_attn_weights": True,
              "tie_word_embeddings": False,
              "tokenizer_class": "GPT2Tokenizer"}
    if kind == "gpt-j":
        return usual | {"architectures": ["GPTJForCausalLM"],
                        "model_type": "gptj", "rotary": True}
    return usual | {"architectures": ["CodeGenForCausalLM"],
                    "bos_token_id": 1, "model_type": "codegen", "n_ctx": 2048,
                    "torch_dtype": "float16"}


def t5_config(kind, rows, ids):
    code = kind == "codet5"
    return {"architectures": ["T5ForConditionalGeneration"],
            **({"bos_token_id": ids["<s>"]} if code else {}),
            "d_ff": 128, "d_kv": 16, "d_model": 64,
            "decoder_start_token_id": ids["<pad>"], "dropout_rate": 0.1,
            "eos_token_id": ids["</s>"],
            "feed_forward_proj": "relu" if code else "gated-gelu",
            "initializer_factor": 1.0, "is_encoder_decoder": True,
            "layer_norm_epsilon": 1e-06, "model_type": "t5",
            "n_positions": 512, "num_decoder_layers": 2, "num_heads": 4,
            "num_layers": 2, "output_past": True,
            "pad_token_id": ids["<pad>"],
            "relative_attention_num_buckets": 32,
            "tie_word_embeddings": code, "use_cache": True,
            "vocab_size": rows}


def build(kind, folder, seed=0):
    """A checkpoint of ``kind``, one of :data:`KINDS`, in ``folder``.

    Returns the folder.  Raises ``KeyError`` for another kind.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    instruct = kind == "qwen2-instruct"
    if kind.startswith("qwen2"):
        tokens, ids = save_qwen(folder, instruct)
        # 151,936 rows for 151,665 tokens
        config = qwen_config(-(-tokens // 128) * 128, ids, instruct)
    elif kind == "codet5":
        tokens, ids = save_roberta(folder)
        config = t5_config(kind, tokens, ids)
    elif kind == "t5":
        tokens, ids = save_t5(folder)
        config = t5_config(kind, -(-tokens // 128) * 128, ids)
    else:
        # GPT-J fills its 50,400 rows with added tokens; CodeGen's, of
        # spaces and tabs, leave rows free.
        extra = {"gpt-neo": [], "gpt-j": [f"<|extratoken_{i}|>"
                                          for i in range(1, 6)],
                 "codegen": [" " * i for i in range(8, 1, -1)] + ["\t\t"]}
        cls = "CodeGenTokenizer" if kind == "codegen" else "GPT2Tokenizer"
        tokens, ids = save_gpt2(folder, cls, extra[kind])
        config = gpt_config(kind, tokens + (64 if kind == "codegen" else 0),
                            ids)
    write(folder / "config.json", config)
    write_generation(folder, kind, config, ids)
    torch.manual_seed(seed)
    settings = AutoConfig.from_pretrained(folder)
    auto = (AutoModelForSeq2SeqLM if settings.is_encoder_decoder
            else AutoModelForCausalLM)
    model = auto.from_config(settings, dtype=torch.float32)
    save_weights(model, folder, kind)
    return folder


def write_generation(folder, kind, config, ids):
    """generation_config.json, where the real ones have it."""
    if kind == "qwen2-instruct":
        write(folder / "generation_config.json", {
            "bos_token_id": ids[END], "do_sample": True,
            "eos_token_id": [ids[END_TURN], ids[END]],
            "pad_token_id": ids[END], "repetition_penalty": 1.1,
            "temperature": 0.7, "top_k": 20, "top_p": 0.8})
    elif kind == "qwen2":
        write(folder / "generation_config.json", {
            "bos_token_id": ids[END], "eos_token_id": ids[END],
            "do_sample": False, "max_new_tokens": 2048})


def save_weights(model, folder, kind):
    """The weights in the files that the real checkpoint has them in.

    Qwen2 in bfloat16, the instruct model in several files; CodeGen in
    float16; GPT-Neo in safetensors; the others in ``pytorch_model.bin``
    only, with the buffers that older libraries saved too.
    """
    dtype = {"qwen2": torch.bfloat16, "qwen2-instruct": torch.bfloat16,
             "codegen": torch.float16}.get(kind, torch.float32)
    model = model.to(dtype)
    if kind in ("qwen2", "qwen2-instruct", "gpt-neo", "t5"):
        config = (folder / "config.json").read_bytes()
        generation = folder / "generation_config.json"
        kept = generation.read_bytes() if generation.exists() else None
        model.save_pretrained(folder, max_shard_size=(
            "200KB" if kind == "qwen2-instruct" else "1GB"))
        (folder / "config.json").write_bytes(config)
        generation.unlink(missing_ok=True)
        if kept:
            generation.write_bytes(kept)
        return
    state = {name: value.clone() for name, value in
             model.state_dict().items()}
    for i in range(2):
        if kind == "gpt-j":
            state[f"transformer.h.{i}.attn.bias"] = torch.ones(
                1, 1, 16, 16).tril().bool()
            state[f"transformer.h.{i}.attn.masked_bias"] = torch.tensor(-1e9)
        elif kind == "codegen":
            state[f"transformer.h.{i}.attn.causal_mask"] = torch.ones(
                1, 1, 16, 16).tril().bool()
    torch.save(state, folder / "pytorch_model.bin")


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n",
                    encoding="utf-8")


def lay_hub(folder, names=tuple(NAMES)):
    """A checkpoint for each of ``names``, and all data sets, as on the Hub.

    ``folder`` is then what ``hub_server.py`` serves.
    """
    import standin_data
    folder = Path(folder)
    for name in names:
        build(NAMES[name], folder / "models" / name / "main")
    standin_data.lay_data(folder)
    return folder


if __name__ == "__main__":
    import sys
    print(lay_hub(sys.argv[1]))
