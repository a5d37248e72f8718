"""Words of Portuguese, English and Spanish: folding, stems, and every list of them. Pure; knows nothing of the hub."""
