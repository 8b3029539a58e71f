"""Benchmarks of jitrt beside onnxruntime and OpenVINO: `python -m bench` from the repository root."""
