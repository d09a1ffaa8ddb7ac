"""What a trained version was made of and how good it is: one page for people, the same as JSON for programs."""
