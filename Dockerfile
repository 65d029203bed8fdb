# syntax=docker/dockerfile:1
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/pegasus
# Dependencies first: they change more rarely than the code, so this layer is kept.
COPY requirements.lock ./
RUN /opt/pegasus/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY web web
COPY db db
COPY cogs cogs
RUN /opt/pegasus/bin/pip install --no-deps .

FROM python:3.13-slim-trixie
# Noto covers the names that Roboto has no glyphs for; tini hands signals on and reaps children;
# the PostgreSQL client brings pg_dump
# for backups, and has to be as new as the server in compose.yaml.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji tini postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home pegasus
COPY --from=build /opt/pegasus /opt/pegasus
COPY config.toml /etc/pegasus/config.toml
ENV PATH=/opt/pegasus/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/pegasus.db \
    PEGASUS_WEB__HOST=0.0.0.0
# The commit, for /metrics: docker build --build-arg PEGASUS_REVISION=$(git rev-parse --short HEAD)
ARG PEGASUS_REVISION=
ENV PEGASUS_REVISION=$PEGASUS_REVISION
WORKDIR /data
VOLUME /data
USER pegasus
EXPOSE 8080
# Liveness, not health: a restart cures a stuck loop, but not a lost gateway. The configuration says
# which port to ask.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["pegasus", "--config", "/etc/pegasus/config.toml", "alive"]
ENTRYPOINT ["tini", "--", "pegasus", "--config", "/etc/pegasus/config.toml"]
CMD ["run"]
