"""The only place that imports ray: wiring, resources, resume, the commands."""
