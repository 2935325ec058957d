"""HTTP/2 as pushes need it: many small requests to one server, and certainty about what was sent."""
