"""Everything that can go wrong in the hub.

HubError
├── ChildError         a child process cannot be started or ends at once
│   └── BrokerChildError   the hub's own Mosquitto: missing, its port taken, its settings refused
├── WorkError          a job came to nothing
│   ├── WorkerLostError   the worker that had it is gone; another may take it
│   └── JobTimeoutError   the worker that has it says nothing
├── MistakesError      a file of the owner's has mistakes, all of them listed
│   ├── HomeError          the home's description
│   └── SentencesError     sentence templates
├── PluginError        a skill that others wrote cannot be used
├── TimersError        a timer cannot be set or changed so
├── ModelFileError     the model of natural wording cannot be read
├── LeaseLostError     another hub has taken over
├── IdentityError      an account, a password or a pairing is not as it must be
│   ├── SignInError        wrong name, password or setup token
│   └── TooManyTriesError  somebody must wait before the next try
├── EquipmentError     a model or a voice cannot be installed, chosen or removed
├── CallersError       calls cannot be taught or forgotten
├── RestartAskedError  the owner wants the hub to start anew
├── BackupError        an archive cannot be made, or is none of ours
├── ConsoleError       what was asked of the console cannot be done
└── StorageError       the journal or the state directory cannot be read or written
"""

from collections.abc import Sequence


class HubError(Exception):
    """Base of all errors of this package."""


class ChildError(HubError):
    """A child process cannot be started, or ends at once."""


class BrokerChildError(ChildError):
    """The hub's own broker cannot serve; the message says what to change."""


class MistakesError(HubError):
    """A file cannot be used; `mistakes` has one line per mistake, with its place in the file."""

    def __init__(self, where: str, mistakes: Sequence[str]) -> None:
        self.where = where
        self.mistakes = tuple(mistakes)
        lines = "\n".join(f"  - {mistake}" for mistake in mistakes)
        super().__init__(f"{where}: {len(mistakes)} mistake(s)\n{lines}")


class HomeError(MistakesError):
    """The home's description cannot be used."""


class SentencesError(MistakesError):
    """Sentence templates cannot be used."""


class PluginError(HubError):
    """A skill that others wrote cannot be used; the house goes on without it."""


class ModelFileError(HubError):
    """The model of natural wording is missing or damaged."""


class LeaseLostError(HubError):
    """Another hub on the same broker has taken over; this one stands by."""


class IdentityError(HubError):
    """An account, a password or a pairing is not as it must be; the message is for people."""


class SignInError(IdentityError):
    """Wrong name, password or setup token; it does not say which."""


class TooManyTriesError(IdentityError):
    """There were too many tries; `wait_s` tells after how many seconds the next one counts."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        minutes = max(1, round(wait_s / 60))
        super().__init__(
            f"too many tries; wait {minutes} minute{'s' if minutes > 1 else ''} and try again"
        )


class EquipmentError(HubError):
    """A model or a voice cannot be installed, chosen or removed; nothing has changed."""


class CallersError(HubError):
    """Calls of the household's cannot be taught or forgotten; nothing has changed."""


class RestartAskedError(HubError):
    """The owner wants this hub to end, and to start anew in the same process."""


class BackupError(HubError):
    """A backup cannot be made, or an archive is no backup of ours; nothing has changed."""


class ConsoleError(HubError):
    """What was asked of the console cannot be done; the message is for the person who asked."""

    def __init__(self, status: int, message: str, mistakes: Sequence[str] = ()) -> None:
        self.status = status
        """HTTP's number for it."""
        self.mistakes = tuple(mistakes)
        """One line for each, where there are several."""
        super().__init__(message)


class StorageError(HubError):
    """The journal or the state directory cannot be read or written."""


class TimersError(HubError):
    """A timer cannot be set or changed so; the message can be said to the person."""


class WorkError(HubError):
    """A job came to nothing; another worker may do better."""


class WorkerLostError(WorkError):
    """The worker that had the job is gone."""


class JobTimeoutError(WorkError):
    """The worker that has the job says nothing."""
