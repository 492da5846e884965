"""Environments that other processes step, here or on a Ray cluster, as if they were one vector environment here."""
