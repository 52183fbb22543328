"""One error for everything a user can get wrong in a file."""


class ConfigurationError(ValueError):
    """A file, a key or a value the user gave is not usable.  The message is one sentence: what, where, allowed, what to do."""
