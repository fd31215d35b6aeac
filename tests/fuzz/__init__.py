"""Cases at random through the public API, and the laws that each of them must obey.

A *case* is a value: a recipe of rows, weights and parameters, `strategies.Case`.  It
ends in a valid model, or in a ValueError that names what was wrong and leaves the
estimator as it was; `laws` says what both mean.  `relations` are laws that compare two
fits: weights and copies, permutations, units, affine maps, threads, processes.

CI draws a bounded number of cases (``test_cases.py``).  Thousands, and every distinct
failure shrunk to a small case with the code that shows it::

    python -m tests.fuzz --cases 5000

A failure is told apart from another by the law that broke or the line that raised.
"""
