# docker build -t rustymail . && docker run -p 127.0.0.1:9437:9437 -v rustymail:/data rustymail
FROM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# What is published, and beside it only what that imports, in the versions of the lock file. The image has the Node that would come along.
RUN npm run build && cp package-lock.json .npmrc dist/package/ && cd dist/package \
  && npm install --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-trixie-slim
ENV NODE_ENV=production RUSTYMAIL_HOST=0.0.0.0 RUSTYMAIL_DATA_DIR=/data NODE_COMPILE_CACHE=/var/cache/rustymail MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
COPY --from=build /build/dist/package /app
COPY deploy/healthcheck.js /app/healthcheck.js
RUN install -d -o node -g node -m 0700 /data /var/cache/rustymail
USER node
WORKDIR /app
# Starts are faster and smaller for it, on a read-only file system too.
RUN ["node", "--max-semi-space-size=16", "bin/rustymail.js", "--fill-cache"]
VOLUME /data
EXPOSE 9437
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "healthcheck.js"]
# Neither a shell nor npm stands between, so SIGTERM reaches the server and it stops in order.
CMD ["node", "--max-semi-space-size=16", "bin/rustymail.js", "serve"]
