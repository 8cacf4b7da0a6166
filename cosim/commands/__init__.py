"""The commands of ``qlif``, one module each: parse, call one library function, print."""
