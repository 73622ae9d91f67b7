"""The list of commands; importing it registers them. One line each."""

