"""Runs a notebook over many parameters, and keeps what every run came to."""
