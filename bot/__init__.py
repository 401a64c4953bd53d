"""How it reaches people: vendors, sockets and the clock."""
