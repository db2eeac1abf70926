"""Programs by others, asked about the same networks: in a Python of their own where license or needs are others."""
