"""Who may see and do what: passwords, sessions, keys, roles, scope, origins, headers, rates, audit."""
