"""What is run once and prints what it found: the benchmark, the doctor, decode, consume."""
