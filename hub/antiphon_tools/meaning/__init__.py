"""Making the model of natural wording: from templates, paraphrases and labelled sentences."""
