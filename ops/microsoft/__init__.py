"""Operators of the domain com.microsoft, as onnxruntime and its optimisers write them into models."""
