"""Numbers done carefully: functions that stay right near their singular points, and fast solves."""
