"""Every read: events, light curves, follow-up points, jobs; and the first CPCS's lists. Neither numpy nor astropy."""
