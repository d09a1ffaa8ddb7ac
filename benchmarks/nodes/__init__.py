"""Two nodes of the product, of which one is cut off while honest callers go on."""
