"""The article: sections of computed sentences around a table and charts, as a Markdown draft."""
