# Banyan in one small image: distroless Node 24, no shell, no package manager, not root.
#
#   docker build -t banyan-gateway:0.1.0 .
#   docker run -p 8080:8080 -v "$PWD/config:/etc/banyan:ro" -v banyan-data:/data banyan-gateway:0.1.0

# What runs. The optional packages only bring a Node of their own; the image has one.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

# What builds. Here nothing is omitted: the compiler itself is an optional package, one per platform.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node_modules/.bin/tsc -p tsconfig.build.json
RUN mkdir /data

FROM gcr.io/distroless/nodejs24-debian12:nonroot
ENV NODE_ENV=production
# The code belongs to root: the gateway cannot rewrite itself.
COPY package.json LICENSE /app/
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY bin/banyan.js bin/pinned-node.js /app/bin/
# The embedded store: mount a volume here, or latches do not survive the container. A new volume takes this owner.
COPY --from=build --chown=65532:65532 /data /data
VOLUME ["/data"]
# So the store's default, ./data, is that volume.
WORKDIR /
# By number: Kubernetes cannot tell from a name that it is not root.
USER 65532:65532
EXPOSE 8080 9090
# The distroless entry point is node itself; SIGTERM reaches the gateway directly.
CMD ["/app/bin/banyan.js", "serve", "--config", "/etc/banyan"]
