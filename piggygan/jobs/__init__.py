"""What a command does from folders to a committed, scored task; each job is a function and a command."""
