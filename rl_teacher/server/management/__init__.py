"""Django management commands of the server."""
