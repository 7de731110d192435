"""The results of the analyses in the database: written by tasks, read by pages."""
