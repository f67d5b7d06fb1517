"""Gates: each decides on recorded evidence whether a version may be in a stage; none measures."""
