"""How long things take: histograms of constant size, and the stages from socket to signal."""
