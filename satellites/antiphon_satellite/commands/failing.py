"""How the commands end when something declared goes wrong: its message, no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from antiphon_ears.errors import EarsError
from antiphon_link.errors import LinkError
from antiphon_protocol.errors import ProtocolError
from antiphon_satellite.errors import SatelliteError

DECLARED: Final = (SatelliteError, EarsError, LinkError, ProtocolError)


@contextmanager
def told_plainly(command: str) -> Iterator[None]:
    """Print declared errors of the block to standard error and exit 1; let all others through."""
    try:
        yield
    except DECLARED as error:
        sys.exit(f"{command}: {error}")
    except BaseExceptionGroup as group:
        declared, other = group.split(DECLARED)
        if declared is None or other is not None:
            raise
        sys.exit("\n".join(f"{command}: {error}" for error in _leaves(declared)))


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
