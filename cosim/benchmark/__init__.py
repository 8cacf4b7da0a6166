"""What ``qlif bench`` measures: the golden model beside what one would use in its place."""
