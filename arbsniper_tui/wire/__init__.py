"""Between the processes of a node: messages, sockets, and where they meet."""
