"""How the house learns its people's calls: embeddings of some calls, and what sets them apart."""
