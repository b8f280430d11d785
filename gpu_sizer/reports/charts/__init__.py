"""Charts: drawn with matplotlib (the extra ``charts``), in a light and a dark theme, each with its data beside it."""
