"""The door to what is protected: a shop in this process, or one reached over HTTP."""
