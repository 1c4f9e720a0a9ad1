"""The checker: each invariant is a pure function over what clients saw, all databases and all topics."""
