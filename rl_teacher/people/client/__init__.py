"""How the trainer speaks to a feedback server, over HTTP."""
