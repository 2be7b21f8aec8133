"""Turns runs into published files."""
