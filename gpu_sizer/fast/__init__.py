"""What exists only for a fast start: docs/fast.md tells what each part buys."""
