"""Builds again whenever something that the report depends on is saved."""
