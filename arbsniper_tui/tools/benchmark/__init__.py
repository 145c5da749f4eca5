"""What this machine makes of the program: a demo node under load, its stages, its CPU time, and the UI's."""
