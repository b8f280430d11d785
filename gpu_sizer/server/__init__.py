"""The library's calls for programs elsewhere: over HTTP (``gpu-sizer serve``), and as tools of assistants (``mcp``)."""
