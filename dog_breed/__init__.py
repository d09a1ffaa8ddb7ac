"""The `dog-breed` command and the whole product in one terminal; the one room that knows all the others."""
