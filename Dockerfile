# Orienteer in a container.  CPU:  docker build -t orienteer .
# NVIDIA GPUs:  docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 -t orienteer .
FROM python:3.12-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheels /tmp/wheels
# torch by itself first, from the index of its device; then everything else at the versions that the tests run with.
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' /tmp/constraints.txt)" \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt "$(echo /tmp/wheels/*.whl)[observe,compare,tensorboard,demo]" \
    && rm -r /tmp/wheels \
    && useradd --create-home --uid 1000 orienteer
USER 1000
WORKDIR /data
# The program itself, not a shell: `docker stop` then reaches it, and it writes a checkpoint before it ends.
ENTRYPOINT ["orienteer"]
CMD ["--help"]
