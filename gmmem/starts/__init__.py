"""Where to start EM so that it finds the best end: many short runs on few rows, and moves."""
