"""What happened: traces from the wire to the page."""
