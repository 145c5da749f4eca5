"""The processes of a node: what each does from its plan to its end, and the supervisor that keeps them running."""
