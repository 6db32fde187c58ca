"""Speech engines that run as Wyoming services: on this machine, or on a stronger one at home."""
