"""How far a text is from another. Pure."""


def edits(heard: str, said: str) -> int:
    """Return the fewest insertions, deletions and replacements of letters between them.

    Source: Levenshtein 1966; Wagner and Fischer 1974.
    """
    row = list(range(len(said) + 1))
    for count, letter in enumerate(heard, 1):
        diagonal, left = count - 1, count
        for at, other in enumerate(said, 1):
            above = row[at]
            row[at - 1] = left
            left = min(left + 1, above + 1, diagonal + (letter != other))
            diagonal = above
        row[-1] = left
    return row[-1] if said else len(heard)
