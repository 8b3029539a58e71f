"""BLAKE2b. `hashlib` has it as well, and loads OpenSSL first. https://www.rfc-editor.org/rfc/rfc7693"""

try:
    from _blake2 import blake2b
except ImportError:  # Pythons that are built without
    from hashlib import blake2b

__all__ = ["blake2b"]
