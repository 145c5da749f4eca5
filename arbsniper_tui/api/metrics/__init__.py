"""What Prometheus reads: each metric is declared once, with its words and what it is read from."""
