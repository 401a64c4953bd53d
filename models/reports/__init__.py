"""Figures for operators and money people. Reads only."""
