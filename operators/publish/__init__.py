"""Find what changed, check the gates, commit the manifest."""
