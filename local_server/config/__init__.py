"""Files that tell the server what to serve and how."""
