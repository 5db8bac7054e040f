# The server, and nothing that builds it. docs/deploy.md says how to run it.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# No package needs its install script: native parts come prebuilt.
RUN npm ci --include=dev --ignore-scripts
COPY . .
RUN node scripts/prepare.mjs

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  # For debuggers, compilers and other systems.
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete \
  && find node_modules/classic-level/prebuilds -mindepth 1 -maxdepth 1 ! -name 'linux-*' -exec rm -r {} +

FROM node:20.20.2-bookworm-slim
LABEL org.opencontainers.image.title="aedes-push" \
  org.opencontainers.image.source="https://github.com/aedes-push/aedes-push" \
  org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=packages /app/node_modules node_modules
COPY --from=build /src/dist dist
COPY deploy/healthcheck.mjs deploy/
# A volume that is new takes this owner. The command is for `docker exec`.
RUN install -d -o node -g node -m 0700 /data \
  && printf '#!/bin/sh\nexec node /app/dist/server/main.js "$@"\n' > /usr/local/bin/aedes-push \
  && chmod 0755 /usr/local/bin/aedes-push
USER node
ENV NODE_ENV=production \
  PUSH_HOST=0.0.0.0 \
  PUSH_DATA_DIR=/data
VOLUME /data
EXPOSE 1883 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/deploy/healthcheck.mjs"]
# The server is process 1 itself: it hears SIGTERM from its first line on.
ENTRYPOINT ["node", "/app/dist/server/main.js"]
