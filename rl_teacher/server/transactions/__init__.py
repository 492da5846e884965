"""One function per thing that people or trainers do; each is one database transaction."""
