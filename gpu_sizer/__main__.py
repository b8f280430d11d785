"""``python -m gpu_sizer``."""

from gpu_sizer.cli.entry import main

main()
