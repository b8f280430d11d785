"""The kinds of feed-forward, a module each: found by their names (:mod:`gpu_sizer.model.kinds`)."""
