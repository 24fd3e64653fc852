"""Compiled functions: how one is recorded, when a record holds, how it is run, differentiated, shown and measured."""
