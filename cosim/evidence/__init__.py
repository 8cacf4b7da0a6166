"""Evidence in the files that other tools read: JUnit, HTML, UCIS, SAIF, waves and traceability."""
