"""What goes wrong between a service and its clients, apart from answers that say no."""


class ServiceError(Exception):
    """A service cannot be offered, or not be reached.  The message is one sentence: what, where, what to do."""


class NoAnswerError(ServiceError):
    """A command was not answered in time.  The message says whether it is known what became of it."""
