"""The two listeners: the public one, which speaks the platform's API, and the operators' one."""
