"""From a request's values to a loaded version's answer, whichever protocol asked."""
