"""How the database grew."""
