"""Everything that can go wrong in the hub.

HubError
├── ChildError         a child process cannot be started or ends at once
│   └── BrokerChildError   the hub's own Mosquitto: missing, its port taken, its settings refused
├── WorkError          a job came to nothing
│   ├── WorkerLostError   the worker that had it is gone; another may take it
│   └── JobTimeoutError   the worker that has it says nothing
├── HomeError          the home's description has mistakes, all of them listed
└── StorageError       the journal or the state directory cannot be read or written
"""


class HubError(Exception):
    """Base of all errors of this package."""


class ChildError(HubError):
    """A child process cannot be started, or ends at once."""


class BrokerChildError(ChildError):
    """The hub's own broker cannot serve; the message says what to change."""


class HomeError(HubError):
    """The home's description cannot be used."""


class StorageError(HubError):
    """The journal or the state directory cannot be read or written."""


class WorkError(HubError):
    """A job came to nothing; another worker may do better."""


class WorkerLostError(WorkError):
    """The worker that had the job is gone."""


class JobTimeoutError(WorkError):
    """The worker that has the job says nothing."""
