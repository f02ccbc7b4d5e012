"""Images that nobody vouches for, decoded in a process that may hang, crash or run out of memory."""
