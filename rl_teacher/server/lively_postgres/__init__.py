"""Django's PostgreSQL, as the ENGINE of the settings: dead connections are noticed without asking the database."""
