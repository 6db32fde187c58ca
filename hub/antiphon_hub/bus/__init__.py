"""The hub's edge to the bus: messages in become calls, calls become messages out."""
