"""arbsniper.toml, the environment and the command line's options, read into one frozen value."""
