"""From runs to published files."""
