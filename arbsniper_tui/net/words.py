"""A failure of the network in words for people."""


def words_of(error: Exception) -> str:
    """What failed, without the numbers that mean nothing to a reader."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
