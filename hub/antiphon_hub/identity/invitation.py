"""The first evening: how the owner's console learns that the right person sits before it."""

from typing import TextIO


def invite(setup_token: str | None, url: str, out: TextIO) -> None:
    """Show the set-up token to who can see the hub's own output; not in the log, which is kept.

    Args:
        setup_token: Of `Accounts`; None: there is an owner, and nothing is shown.
        url: Where the console is.
        out: The program's output: a terminal, or the service manager's journal.
    """
    if setup_token is None:
        return
    out.write(
        f"\nNobody owns this house yet. Open {url} and type in this token:\n"
        f"    {setup_token}\n"
        "It is another one after each start, and worth nothing once there is an owner.\n\n"
    )
    out.flush()
