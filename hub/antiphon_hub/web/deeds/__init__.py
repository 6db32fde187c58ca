"""All that can be done through the console, topic by topic."""
