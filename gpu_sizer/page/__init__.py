"""The web page: plain files, which ask the server that serves them or the engine in the visitor's own browser."""
