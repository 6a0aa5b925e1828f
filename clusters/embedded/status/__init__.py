"""A small page that shows what the platform is doing."""
