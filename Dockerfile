# One image for every part; docker-compose.yml says which command each container runs.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY onsale onsale
COPY gateway gateway
COPY booking_core booking_core
COPY lua lua
COPY groundwork groundwork
COPY migrations migrations
# What was tested, and no newer release of somebody else.
RUN python -m venv /opt/onsale \
    && /opt/onsale/bin/pip install --no-cache-dir --constraint constraints.txt '.[fast]'

FROM python:3.11-slim
# Letters of more scripts on the PDF tickets than reportlab's own fonts have.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/onsale --create-home onsale \
    && install --directory --owner onsale --mode 700 /var/lib/onsale/keys /var/lib/onsale/provider
COPY --from=build /opt/onsale /opt/onsale
ENV PATH=/opt/onsale/bin:$PATH PYTHONUNBUFFERED=1
USER onsale
EXPOSE 8080 8081 9090
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/health/live', timeout=2)"]
ENTRYPOINT ["onsale"]
CMD ["gateway", "--operator-port", "9090"]
