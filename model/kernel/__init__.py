"""The compiled form of both models: the same numbers as the plain ones, at the machine's speed.

:mod:`qlif.model.kernel.rules` proves how wide an integer has to be, :mod:`~qlif.model.kernel.loops` and
:mod:`~qlif.model.kernel.float_loops` are the loops, and the rest arranges arrays and threads around them.
Only the loops need numba.
"""
