"""Programs for readers: a folder of images through a converted network, a meter of time and energy."""
