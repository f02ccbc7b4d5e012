"""What a person reads in a terminal: tables, progress, and names that cannot steer it."""
