"""Clients that export a PyTorch network and run it: small ones, with random weights."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .registry import Answer, client
from .texts import FILES, write_tokenizer

SIZES = {"vocab_size": 256, "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}


def saved(config, kind: str) -> tempfile.TemporaryDirectory:
    """A folder with a network of transformers and a tokenizer, as from_pretrained takes it."""
    import torch
    import transformers

    torch.manual_seed(0)
    folder = tempfile.TemporaryDirectory()
    network = getattr(transformers, kind)(config)
    network.save_pretrained(folder.name)
    write_tokenizer(Path(folder.name))
    return folder


@client("sentence_transformers", "optimum.onnxruntime", "torch")
def sentence_transformers() -> Answer:
    """Embeddings of sentences of many lengths."""
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig

    folder = saved(BertConfig(**SIZES, intermediate_size=128), "BertModel")
    model = SentenceTransformer(folder.name, backend="onnx", device="cpu")
    return lambda: [model.encode(list(FILES.values())[:count]) for count in (1, 10)]


@client("optimum.onnxruntime", "torch")
def optimum_generate() -> Answer:
    """The likeliest words after a prompt, one at a time, with a cache of keys and values bound by address."""
    import torch
    from optimum.onnxruntime import ORTModelForCausalLM
    from transformers import LlamaConfig

    config = LlamaConfig(**SIZES, intermediate_size=128, num_key_value_heads=2)
    folder = saved(config, "LlamaForCausalLM")
    model = ORTModelForCausalLM.from_pretrained(folder.name, export=True, use_io_binding=True)
    prompt = torch.arange(5, 17).reshape(2, 6)

    def answer():
        options = {"do_sample": False, "max_new_tokens": 16, "min_new_tokens": 16, "output_logits": True}
        found = model.generate(prompt, **options, return_dict_in_generate=True)
        return found.sequences.numpy(), [logits.numpy() for logits in found.logits]

    return answer


@client("optimum.onnxruntime", "torch")
def optimum_translate() -> Answer:
    """An encoder, and a decoder with two caches."""
    import torch
    from optimum.onnxruntime import ORTModelForSeq2SeqLM
    from transformers import T5Config

    sizes = {"vocab_size": 256, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
    config = T5Config(**sizes, decoder_start_token_id=0, tie_word_embeddings=False)
    folder = saved(config, "T5ForConditionalGeneration")
    model = ORTModelForSeq2SeqLM.from_pretrained(folder.name, export=True)
    prompt = torch.arange(5, 17).reshape(2, 6)

    def answer():
        options = {"num_beams": 3, "max_new_tokens": 12, "min_new_tokens": 12}
        found = model.generate(prompt, **options, return_dict_in_generate=True, output_scores=True)
        return found.sequences.numpy(), found.sequences_scores.numpy()

    return answer


@client("optimum.onnxruntime", "torch")
def optimum_classify() -> Answer:
    """Scores of images, by a convolutional network and by a transformer."""
    import torch
    from optimum.onnxruntime import ORTModelForImageClassification
    from transformers import ResNetConfig, ViTConfig

    small = {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}
    vit = {name: SIZES[name] for name in SIZES if name != "vocab_size"}
    configs = {
        "ResNetForImageClassification": ResNetConfig(**small, layer_type="basic"),
        "ViTForImageClassification": ViTConfig(**vit, intermediate_size=128, image_size=64),
    }
    folders = [saved(config, kind) for kind, config in configs.items()]
    models = [ORTModelForImageClassification.from_pretrained(each.name, export=True) for each in folders]
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return lambda: [model(pixel_values=images).logits.numpy() for model in models]
