"""Looking back at turns: lists, waterfalls, and hearing kept audio again."""
