"""Which connection a word about presence is of (pure).

A connection's epoch is the wall clock when it was made. Clocks are set, so a greater epoch is no
later one: epochs are compared for being the same, and what came last on a topic, which the broker
keeps in order, is what counts.
"""

from typing import Final

ANY: Final = 2**63 - 1
"""In a goodbye: it ends whatever connection there is. So the hub puts out what it has cut off."""


def ends(connection: int, goodbye: int, *, retained: bool) -> bool:
    """Tell whether a goodbye ends a connection that said hello.

    Args:
        connection: Epoch of the last hello that was seen.
        goodbye: Epoch in the goodbye.
        retained: The goodbye stood on the topic when we subscribed. It is then the last word of
            whoever came and went while we did not listen; who is there after all, and finds the
            will of an earlier connection on the topic, says hello again.
    """
    return retained or goodbye in (connection, ANY)
