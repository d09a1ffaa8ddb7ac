"""Static files of the page, and nginx's configuration before it."""
