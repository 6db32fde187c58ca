"""What can go wrong in a worker.

EngineError
├── EngineMissingError   no engine of that name is installed; the message says what to install
├── ContextError         a grammar does not compile, or was never loaded
├── EngineFailedError    the engine broke in the middle of its work
│   └── ServiceError     an engine that is a service elsewhere is away, late, or answers nonsense
├── ModelError           a model or voice file is damaged, foreign or missing
└── TrainingError        a manifest, a recording or a setting cannot be trained with
"""


class EngineError(Exception):
    """Base of all errors of this package."""


class EngineMissingError(EngineError):
    """No engine of that name is installed here."""


class ContextError(EngineError):
    """A recognition context cannot be used."""


class EngineFailedError(EngineError):
    """The engine broke in the middle of its work; another may do better."""


class ServiceError(EngineFailedError):
    """A service that does an engine's work is away or not in order; it may be back any time."""


class ModelError(EngineError):
    """A model or voice file cannot be used."""


class TrainingError(EngineError):
    """A manifest, a recording or a setting cannot be trained with."""
