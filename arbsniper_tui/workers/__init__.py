"""Process entry points, one file a process, and nothing else."""
