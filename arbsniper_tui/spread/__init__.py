"""The deciding process: from the bus to the detector, and on to the journal and the sinks."""
