"""The commands of the command line, a file each; `chainrule.cli` puts them together.

A file has one function, `add(commands)`: it describes the command's words to `argparse`, and names as `run` what
takes them and returns the exit status.
"""
