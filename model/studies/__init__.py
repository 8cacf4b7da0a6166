"""Studies of quantization: many configurations, each compared with a reference.

A sweep is a grid of points (:mod:`.grid`); each is evaluated to one row (:mod:`.evaluation`) on whatever
executor is there (:mod:`.executors`), appended to a journal as it comes (:mod:`.journal`), and the whole
becomes a table, pictures and a summary (:mod:`.tables`, :mod:`.report`).
"""
