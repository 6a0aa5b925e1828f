"""Commands about the embedded platform, found through the group `conformance.commands`."""
