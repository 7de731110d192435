"""One command for three processes: start, watch, restart and stop them."""
