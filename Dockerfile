# The image of ETL3: worker, command line and demo in one. docs/containers.md says how to run it.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /opt/etl3
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs

FROM dependencies AS production
# Temporal's native core comes for every platform; only the one of this image stays.
RUN npm prune --omit=dev --no-audit --no-fund \
    && keep="$(node -p "({ x64: 'x86_64', arm64: 'aarch64' })[process.arch]")-unknown-linux-gnu" \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -r {} +

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ETL3" \
      org.opencontainers.image.description="Enriches a star schema of negotiated US healthcare rates into a partitioned, query-ready table, under a hard memory cap." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/containers.md" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=production /opt/etl3/node_modules /opt/etl3/node_modules
COPY --from=build /opt/etl3/dist /opt/etl3/dist
COPY package.json LICENSE README.md CHANGELOG.md /opt/etl3/
COPY config /opt/etl3/config
COPY docs /opt/etl3/docs
# A volume takes the owner of the folder that it is mounted over.
RUN ln -s /opt/etl3/dist/cli/main.js /usr/local/bin/etl3 \
    && mkdir -p /data /var/lib/etl3 \
    && chown 1000:1000 /data /var/lib/etl3

# Everything that is written lies in /var/lib/etl3 or /tmp; the rest can be mounted read-only.
ENV NODE_ENV=production \
    HOME=/tmp \
    ETL3_CONFIG=/opt/etl3/config/etl3.compose.yaml \
    ETL3_STATE_DIR=/tmp/etl3
USER 1000:1000
WORKDIR /var/lib/etl3
ENTRYPOINT ["etl3"]
CMD ["worker", "--container"]
# A worker process that polls touches its sign of life every few seconds.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "find \"$ETL3_STATE_DIR/worker\" -name 'alive-*' -newermt '-30 seconds' | grep -q ."]
