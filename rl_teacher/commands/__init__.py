"""What `rl-teacher COMMAND` does, a file each."""
