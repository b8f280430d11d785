# The verbs of daily work.
.PHONY: bench setup test lint types check docs schemas screens
setup:   ; pip install -e '.[dev]'
test:    ; python -m pytest
lint:    ; ruff check . && ruff format --check .
types:   ; mypy
check:   lint types test
schemas: ; gpu-sizer schema model > gpu_sizer/schemas/model.json && gpu-sizer schema gpu > gpu_sizer/schemas/gpu.json
# What the documentation keeps and a test compares: run after cards or estimates have changed, and read the changes.
docs:
	gpu-sizer article -o docs/examples/spring-2024 --as-of 2024-05-15 --gpu a6000 --live http://127.0.0.1:8080/
	gpu-sizer replay tests/evidence/records.jsonl --report docs/accuracy.md
screens: ; python -m tests.cli.screens
bench:   ; python benchmarks/run.py --large --write docs/performance.md
