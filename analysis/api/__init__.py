"""`/api/v1/`: what the analysis pages show, as JSON."""
