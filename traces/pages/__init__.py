"""HTML views, one file a page."""
