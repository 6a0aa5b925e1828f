"""How often the judge accuses an honest platform, and how often it finds a broken one: simulated, thousands of times.

The simulated platform is another programme than the embedded one: no HTTP, one autoscaler with the exact model, timers
with phases and jitter, activators and scrapes with sampling, pods that start as they like.
"""
