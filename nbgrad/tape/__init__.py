"""Floor 3: the record: which op was called on which slots."""
