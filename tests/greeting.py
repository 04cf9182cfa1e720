"""What TensorFlow writes to standard error before it reads how much it may."""

GREETING = (
    "All log messages before absl::InitializeLog",
    "oneDNN custom operations are on",
    "Could not find cuda drivers",
    "This TensorFlow binary is optimized to use",
    "To enable the following instructions",
    "when one has already been registered",
)


def without_greeting(stderr):
    """The other lines."""
    return [
        line
        for line in stderr.splitlines()
        if not any(words in line for words in GREETING)
    ]
