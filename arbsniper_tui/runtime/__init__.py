"""What every process needs of the machine: its clock, memory that outlives a worker. No rule of the trade."""
