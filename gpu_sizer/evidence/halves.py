"""Which records may be fitted on, and which are kept to test the fit."""

from __future__ import annotations

from hashlib import sha256

from gpu_sizer.evidence.records import EvidenceRecord

#: A source with many runs of few models: its models are dealt out, not its address.
BULK_SOURCES = ("github.com/ashishkamra/vllm-memory-estimator",)


def is_held_out(record: EvidenceRecord) -> bool:
    """Whether a record belongs to the test half, never fitted on.

    By the hash of its thread's address, so that runs of one thread stay together; of its model where one source
    holds many.
    """
    address = record.source_url or record.id
    key = record.model if any(source in address for source in BULK_SOURCES) else address
    return sha256(key.encode()).digest()[0] % 2 == 0
