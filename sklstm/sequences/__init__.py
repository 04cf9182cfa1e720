"""What comes in: batches, lists, windows, stored arrays, and the checks of X."""
