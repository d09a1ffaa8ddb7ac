"""The `dog-breed` command, and the whole product in one terminal (`make run`)."""
