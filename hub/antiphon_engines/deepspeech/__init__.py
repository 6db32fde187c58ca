"""Speech to text by the DeepSpeech network: our own, and Mozilla's and Coqui's model files."""
