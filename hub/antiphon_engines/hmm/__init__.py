"""Speech to text by hidden Markov models: an acoustic model of CMU Sphinx, decoded on a graph.

`model` reads the files, `scorer` rates sounds, `graph` compiles a grammar, `search` finds words.
"""
