# Builds a small image of Bridge: dependencies by hash, one unprivileged user, nothing but /data is written to.
FROM python:3.12-slim-bookworm AS build
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN python -m pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /build
COPY . .
# Constraints carry the hashes: whatever is not the locked file, byte for byte, stops the build.
RUN uv build --wheel --out-dir dist \
 && uv venv /opt/bridge \
 && uv pip install --python /opt/bridge --verify-hashes --constraint requirements.lock dist/*.whl

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Bridge" \
      org.opencontainers.image.description="A self-hosted bridge from a trading signal to an order at a broker" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 bridge \
 && useradd --uid 10001 --gid bridge --home-dir /data --no-create-home --shell /usr/sbin/nologin bridge \
 && install --directory --owner bridge --group bridge --mode 0700 /data
COPY --from=build /opt/bridge /opt/bridge
# Bytecode was compiled above; the root file system may be read-only.
ENV PATH=/opt/bridge/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    BRIDGE_HOST=0.0.0.0 BRIDGE_PORT=8000 BRIDGE_DATA_DIR=/data
WORKDIR /data
VOLUME /data
EXPOSE 8000
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['BRIDGE_PORT'] + '/health/live', timeout=4)"]
ENTRYPOINT ["bridge"]
CMD ["up"]
