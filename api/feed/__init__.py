"""The live feed: one reader of the store's feed, a ring of encoded changes, any number of clients (G6)."""
