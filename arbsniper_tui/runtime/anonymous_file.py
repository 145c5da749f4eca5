"""A file without a name, handed to workers: its bytes outlive the process that writes them."""

import os
import tempfile


def create_anonymous_file(size: int) -> int:
    """The descriptor of a file of `size` zero bytes, to be handed to workers and mapped by them.

    No cleaner of old files can find it, and where the system has files in memory (Linux), no full disk reaches it.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("arbsniper-tui")
        os.ftruncate(descriptor, size)
        return descriptor
    with tempfile.TemporaryFile() as file:
        file.write(bytes(size))  # written, not only sized: a full disk shows here and not in a worker
        file.flush()
        return os.dup(file.fileno())


def anonymous_file_with(content: bytes) -> int:
    """The descriptor of such a file, to be read from its start."""
    descriptor = create_anonymous_file(len(content))
    rewrite_anonymous_file(descriptor, content)
    return descriptor


def rewrite_anonymous_file(descriptor: int, content: bytes) -> None:
    """Put this in place of what stands there, to be read from its start: descriptors that were inherited share the
    place where they read."""
    os.ftruncate(descriptor, 0)
    with open(descriptor, "r+b", closefd=False) as file:
        file.seek(0)
        file.write(content)
        file.flush()
        file.seek(0)
