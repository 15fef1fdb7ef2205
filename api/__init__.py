"""Shows and takes orders: routes, live feed, security and console."""
