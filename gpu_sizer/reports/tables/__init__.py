"""Tables of models: chosen columns, marked cells with footnotes, and a writer for each format."""
