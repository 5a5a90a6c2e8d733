"""A broker that misbehaves on request: the judge of every reliability test, sharing no code with the product."""
