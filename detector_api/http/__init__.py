"""What of HTTP the gateway handles itself: bodies, errors, limits."""
