"""What notebooks call to add figures, tables, answers and claims to their report."""
