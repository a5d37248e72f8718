"""HTTP doors: map in, call one service, map out."""
