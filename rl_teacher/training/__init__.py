"""One training: from settings to live parts, and what happens around the loop."""
