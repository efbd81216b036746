"""How fast it is: work of every kind in turn, each beside what the machine can do, and beside diffusers."""
