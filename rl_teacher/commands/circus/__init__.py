"""`rl-teacher circus`: tricks that have no reward, taught from answers, measured and filmed."""
