"""Wake-word and voice-activity engines, for satellites and workers: ports, adapters, fakes."""
