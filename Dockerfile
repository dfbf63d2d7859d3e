# The page of colorize-app and all commands that need no torch; docs/server.md shows how to run it:
#   docker build -t colorize .        podman build --format docker -t colorize .
# Any image with a Python from 3.10 on will do as the base.
ARG BASE=docker.io/library/python:3.13-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
# Also film, hub
ARG EXTRAS=app
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/colorize \
 && /opt/colorize/bin/pip install --no-cache-dir ".[${EXTRAS}]"
# Python needs none of these: onnxruntime for programs in C, its tools, the tests of numpy, pip. One photo proves it
RUN for f in capi/libonnxruntime.so. transformers tools quantization datasets; do rm -rf /opt/colorize/lib/python3*/site-packages/onnxruntime/$f*; done \
 && find /opt/colorize/lib/python3*/site-packages/numpy -type d -name tests -prune -exec rm -rf {} + \
 && /opt/colorize/bin/pip uninstall --yes pip \
 && /opt/colorize/bin/colorize colorize_nb/photos/migrant_mother.jpg -o /tmp/proof.jpg

# hadolint ignore=DL3006
FROM ${BASE}
LABEL org.opencontainers.image.title="colorize_nb" \
      org.opencontainers.image.description="Colorize old photos: no upload, no GPU, full size" \
      org.opencontainers.image.source="https://github.com/colorize-nb/colorize_nb" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-colorize-nb-weights"
COPY --from=build /opt/colorize /opt/colorize
ENV PATH=/opt/colorize/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive
# A number, so that no entry in /etc/passwd is needed; any other works too, with `--user`
USER 65532:65532
WORKDIR /photos
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/api/health', timeout=4)"]
CMD ["colorize-app", "--host", "0.0.0.0", "--port", "7860", "--no-browser"]
