"""Libraries that import onnxruntime: each runs on it and, unchanged, on jitrt, and both answer the same.

`python -m tests.clients` compares and times those that are installed; test_clients.py compares. The light
ones come with `pip install -e '.[dev]'`, the others with '.[clients]' and, if they need PyTorch,
'.[clients-torch]'.
"""

from . import images, networks, sounds, tables, texts
from .registry import CLIENTS

__all__ = ["CLIENTS", "images", "networks", "sounds", "tables", "texts"]
