"""JUnit XML, which every CI server shows."""

from typing import assert_never
from xml.etree import ElementTree

from qlif.cosim.evidence.evidence import Check, Evidence, Status
from qlif.model.exceptions import visible


def junit(evidence: Evidence) -> str:
    """Return a test suite with one test case for each check.

    What failed is a ``failure``, what is undecided an ``error``, what is excluded is ``skipped`` with its reason.
    """
    counts = {
        "tests": str(len(evidence.checks)),
        "failures": str(evidence.count(Status.FAILED)),
        "errors": str(evidence.count(Status.UNDECIDED)),
        "skipped": str(evidence.count(Status.EXCLUDED)),
        "time": f"{sum(check.seconds for check in evidence.checks):.3f}",
    }
    name = visible(f"qlif {evidence.command} {evidence.subject}".strip())
    suites = ElementTree.Element("testsuites", {"name": "qlif", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **counts})
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in {"covers": evidence.covers, **evidence.facts}.items():
        ElementTree.SubElement(properties, "property", name=visible(key), value=visible(str(value)))
    for check in evidence.checks:
        suite.append(_case(check, evidence))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(check: Check, evidence: Evidence) -> ElementTree.Element:
    group = ".".join(part for part in ("qlif", evidence.command, check.group) if part)
    case = ElementTree.Element(
        "testcase", name=visible(check.name), classname=visible(group), time=f"{check.seconds:.3f}"
    )
    match check.status:
        case Status.PASSED:
            return case
        case Status.FAILED:
            kind = "failure"
        case Status.UNDECIDED:
            kind = "error"
        case Status.EXCLUDED:
            kind = "skipped"
        case unknown:
            assert_never(unknown)
    told = ElementTree.SubElement(case, kind, message=visible(check.text))
    if check.status is not Status.EXCLUDED:
        told.set("type", check.status)
        told.text = visible(check.text)
    return case
