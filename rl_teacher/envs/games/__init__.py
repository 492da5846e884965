"""Games whose ends, lives and scores are hidden: seven of Atari and the five of MinAtar."""
