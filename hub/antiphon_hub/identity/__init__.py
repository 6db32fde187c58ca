"""Who may do what: people with accounts, devices that were paired, and their rights on the bus."""
