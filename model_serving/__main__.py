"""`python -m model_serving` is the `dog-breed` command."""

from model_serving.cli import main

if __name__ == "__main__":
    main()
