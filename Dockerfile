# gpu-sizer as a server: the page for browsers, HTTP for programs. It needs no GPU.
#   docker build -t gpu-sizer . && docker run --rm -p 8080:8080 gpu-sizer
FROM python:3.12-slim AS built
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
COPY --from=built /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[server]" && rm -r /wheels \
    && useradd --system --no-create-home --shell /usr/sbin/nologin sizer
USER sizer
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["gpu-sizer"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
