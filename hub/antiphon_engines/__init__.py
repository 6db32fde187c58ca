"""The worker: engines that hear and speak, as jobs on the bus."""
