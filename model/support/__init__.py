"""What any room needs: checks, files, memory, progress, journals."""
