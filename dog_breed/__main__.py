"""`python -m dog_breed` is the `dog-breed` command."""

from dog_breed.command import main

if __name__ == "__main__":
    main()
