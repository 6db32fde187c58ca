"""The messages, one module per topic of conversation.

Requests are imperative (`Transcribe`), facts past tense (`Heard`), descriptions nouns (`Hello`).
"""
