"""What a test must never excuse, however busy the machine: tests/run.sh runs nothing again where it is raised."""


class TwoAtOnceError(AssertionError):
    """Two pods were labelled, or a route led to two instances, at one moment."""
