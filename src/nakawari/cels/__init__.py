"""What animators hold: cels and their names, layers, timesheets."""
