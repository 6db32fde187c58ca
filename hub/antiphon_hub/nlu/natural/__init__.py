"""Natural wording: what a sentence means that no template has (pure)."""
