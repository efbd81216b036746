"""The experiments that come with inkwash, one a file: a claim, its arms, and the rule of its verdict."""
