"""The venues' side: WebSocket, REST, backoff, and the one feed loop for all venues."""
