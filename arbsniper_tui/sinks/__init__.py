"""Where signals and events leave the node for other programs: Redis, and an embedded server where there is none."""
