"""Mozilla's and Coqui's own libraries as engines, in a process of their own."""
