"""The kinds of token mixer, a module each: found by their names (:mod:`gpu_sizer.model.kinds`)."""
