"""What notebooks say to their report."""
