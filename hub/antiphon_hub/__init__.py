"""The hub: decides who answered, what was meant, what to do and what to say."""
