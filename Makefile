# The verbs of daily work.
.PHONY: setup test lint types check docs schemas
setup:   ; pip install -e '.[dev]'
test:    ; python -m pytest
lint:    ; ruff check . && ruff format --check .
types:   ; mypy
check:   lint types test
schemas: ; gpu-sizer schema model > gpu_sizer/schemas/model.json && gpu-sizer schema gpu > gpu_sizer/schemas/gpu.json
