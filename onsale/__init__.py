"""The `onsale` command: settings, embedded servers, the supervisor, the joining of all parts."""
