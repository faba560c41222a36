"""How a run's metrics are served."""

from pydantic import Field

from operators.core.spec import Spec


class MetricsSpec(Spec):
    """Where Prometheus finds a run; nothing about metrics ever fails one."""

    enabled: bool = Field(True, description="serve metrics over HTTP while a run goes")
    host: str = Field("127.0.0.1", description="address to listen at; 0.0.0.0 lets other machines read them")
    port: int = Field(9464, ge=0, le=65535, description="0 takes a free port, and so does a port that is taken")
    targets_file: str | None = Field(
        None, description="a file_sd file of Prometheus on the head's machine, there while the run goes"
    )
    drain_seconds: float | None = Field(
        None,
        ge=0,
        description="wait so long for a last scrape at the end; unless given, 30 s where there were scrapes before",
    )
