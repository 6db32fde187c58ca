"""The console: the house in a browser. An edge: it meets the services only through `house`."""
