"""One module a tool: its ``NAME``, as in ``gpu-sizer deploy --as``, and ``render``, which writes its file."""
