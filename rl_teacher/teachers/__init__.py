"""Who answers comparisons: synthetic, scripted and human teachers."""
