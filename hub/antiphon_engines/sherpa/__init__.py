"""sherpa-onnx (Apache-2.0): Zipformer, Parakeet, Whisper and others, each in its own folder."""
