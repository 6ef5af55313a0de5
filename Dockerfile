# Banyan in one small image: distroless Node 24, no shell, no package manager, not root.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages only bring a Node of their own; the image has one.
RUN npm ci --omit=optional --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npx tsc -p tsconfig.build.json && npm prune --omit=dev --omit=optional --ignore-scripts

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build --chown=nonroot:nonroot /app/node_modules ./node_modules
COPY --from=build --chown=nonroot:nonroot /app/dist ./dist
COPY --chown=nonroot:nonroot package.json LICENSE ./
COPY --chown=nonroot:nonroot bin ./bin
# The embedded store: mount a volume here, or latches do not survive the pod.
VOLUME ["/data"]
EXPOSE 8080 9090
# The distroless entry point is node itself; SIGTERM reaches the gateway directly.
CMD ["bin/banyan.js", "serve", "--config", "/etc/banyan"]
