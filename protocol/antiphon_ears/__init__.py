"""Wake-word and voice-activity engines, for satellites and workers alike: ports, adapters, fakes."""
