# The reference service as an image:
#   docker build -t spillway-retail .
#   docker run --init --stop-timeout 30 -e KAFKA_BROKERS -e SCHEMA_REGISTRY_URL -v results:/data spillway-retail
# BASE is any Debian-like image with Node 22.18 or newer and npm, such as your own mirror's or one with your authorities.
ARG BASE=node:24-slim

FROM ${BASE} AS build
WORKDIR /app
# The tooling workspace only brings Node itself, which BASE has: hence no workspaces, in which npm leaves it out.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --workspaces=false --ignore-scripts --no-audit --no-fund
COPY tooling/build.ts ./tooling/
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run -s build && npm prune --workspaces=false --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional

FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY schemas ./schemas
COPY examples/retail/*.ts ./examples/retail/
COPY spillway.config.ts ./
# The one place it can write to when the file system is read-only: a volume mounted here takes over this owner.
RUN mkdir /data && chown 10001:10001 /data
ENV RETAIL_DB=/data/retail.db
# By number, so that it needs no such user in BASE and an orchestrator can see that it is not root.
USER 10001:10001
# Node gets SIGTERM itself; a shell in between would swallow it, and `docker stop` would kill. With --init it also ends at a
# SIGTERM in the half second before it listens to one. Draining takes up to SHUTDOWN_TIMEOUT_MS (25 s), but `docker stop` waits
# only 10 s: hence --stop-timeout.
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["run"]
