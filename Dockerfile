# The forwarder, as a user without rights. It works with a read-only root:
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) -t sluicegate .
#   docker run --read-only -v sluicegate:/var/lib/sluicegate --env-file forwarder.env sluicegate
FROM rust:1.95-slim-trixie AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs README.md ./
COPY assets assets
COPY benches benches
COPY src src
ARG COMMIT
RUN BUILD_COMMIT=$COMMIT cargo build --release --locked --bin sluicegate

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sluicegate \
    && install -d -o sluicegate -g sluicegate -m 0700 /var/lib/sluicegate
COPY --from=build /build/target/release/sluicegate /usr/local/bin/sluicegate
COPY assets/sluicegate.toml /etc/sluicegate/sluicegate.toml
USER 10001
ENV HOME=/var/lib/sluicegate XDG_STATE_HOME=/var/lib \
    SLUICEGATE_CONFIG=/etc/sluicegate/sluicegate.toml
VOLUME /var/lib/sluicegate
# Delivers, too: a forwarder that runs and can't deliver is not healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["sluicegate", "status"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sluicegate"]
CMD ["run", "--log", "json"]
