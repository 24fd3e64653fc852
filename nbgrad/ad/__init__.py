"""Floor 2: source to source: the text of a function to the text of its derivative."""
