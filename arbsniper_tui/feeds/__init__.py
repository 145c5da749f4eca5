"""Where quotes come from: the connection loop of a venue, recorded tapes, the quote filter, the recorder."""
