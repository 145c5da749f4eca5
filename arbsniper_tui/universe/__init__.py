"""From the settings and the venues' declarations to the node's instruments and connections."""
