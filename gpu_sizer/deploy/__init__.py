"""From a plan to what starts the server: commands and files for the tools that operators use."""
