"""What gpu-sizer costs in time and memory, measured side by side with the bare interpreter and with its peers."""
