"""`python -m antiphon_link NAME ...` is the `antiphon` command, where no script was installed."""

from antiphon_link.command import main

main()
