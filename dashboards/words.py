"""Where a reader of a panel finds what to do."""

#: Its headings are the alerts' names. Whoever wants links here replaces it by an address: dashboards/README.md.
RUNBOOKS = "deploy/runbooks.md"


def runbook(alert: str) -> str:
    """The end of a panel's description: what to do when its alert fires."""
    return f"\n\nRunbook: {RUNBOOKS}#{alert.lower()}"
