"""What every class of ours shares: parameters, messages, what is saved and how."""
