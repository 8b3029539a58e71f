"""The operator library: a family a file, each operator in exactly one place (see `jitrt.opdef`)."""
