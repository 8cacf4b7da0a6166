"""The named studies: each a question that a format's chooser asks, as one figure and one table.

:data:`qlif.model.studies.named.catalogue.STUDIES` lists them.
"""
