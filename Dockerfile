# docker build -t nakawari .
# docker run --rm -v "$PWD:/clips" nakawari smooth in.mkv -o out.mkv --fps 60
FROM python:3.11-slim
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE.md ./
COPY src src
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu . \
    && rm -rf /build
ENV NUMBA_CACHE_DIR=/tmp/nakawari PYTHONUNBUFFERED=1
RUN useradd --create-home artist
USER artist
WORKDIR /clips
ENTRYPOINT ["nakawari"]
CMD ["--help"]
