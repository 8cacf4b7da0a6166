"""Coverage in the interchange format of UCIS 1.0, which the vendors' coverage tools merge and show.

The XML is written as the standard's schema has it. Libraries that write it lose what is excluded, and why.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import qlif
from qlif.cosim.coverage.report import FUNCTIONAL, UNREACHABLE, Coverage, Item
from qlif.cosim.coverage.structure import FALLS, RISES
from qlif.model.exceptions import visible

_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
_ENDS = {RISES: ("0", "1"), FALLS: ("1", "0")}


def ucis(measured: Sequence[Coverage]) -> str:
    """Return the coverage of several configurations: an instance for each, a history node for each testbench run.

    Functional coverage is a covergroup of one type in each instance, so that tools merge it over configurations.
    What is proved to be unreachable is excluded, with the claim as the reason.
    """
    now = datetime.datetime.now().replace(microsecond=0).isoformat()
    ElementTree.register_namespace("ucis", _NAMESPACE)
    root = Element(f"{{{_NAMESPACE}}}UCIS", ucisVersion="1.0", writtenBy="qlif", writtenTime=now)
    # The first ones are the files of the exports; those that somebody else's core is made of follow.
    own = [coverage.source for coverage in measured]
    others = dict.fromkeys(item.file for coverage in measured for item in coverage.items if item.file)
    files = {name: number for number, name in enumerate(others, start=2 + len(own))}
    for number, name in enumerate(["the testbenches", *own, *files], start=1):
        SubElement(root, "sourceFiles", fileName=visible(name), id=str(number))
    runs = [
        (coverage, bench, seed)
        for coverage in measured
        for seed in coverage.seeds
        for bench in coverage.benches
    ]
    for number, (coverage, bench, seed) in enumerate(runs):
        _history(root, number, f"{coverage.preset} {bench}, seed {seed}", seed, now)
    for number, coverage in enumerate(measured):
        _instance(root, number, coverage, files)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _history(root: Element, number: int, name: str, seed: int, now: str) -> None:
    SubElement(
        root,
        "historyNodes",
        historyNodeId=str(number),
        logicalName=visible(name),
        kind="UCIS:TEST",
        testStatus="true",
        seed=str(seed),
        date=now,
        toolCategory="UCIS:Simulator",
        ucisVersion="1.0",
        vendorId="qlif",
        vendorTool="qlif coverage",
        vendorToolVersion=qlif.__version__,
    )


def _instance(root: Element, number: int, coverage: Coverage, files: Mapping[str, int]) -> None:
    """Write an instance; the schema has its parts in this order."""
    instance = SubElement(
        root,
        "instanceCoverages",
        name=visible(coverage.preset),
        key=str(number),
        instanceId=str(number),
        moduleName=visible(coverage.module),
    )
    file = number + 2
    _id(instance, file)

    def where(item: Item) -> tuple[int, int]:
        """Return file and line of an item: the user's own, if it has them."""
        return files.get(item.file, file), item.line

    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in coverage.items:
        kinds[item.kind].append(item)
    _toggles(instance, kinds["toggle"], where)
    if kinds["line"]:
        blocks = SubElement(instance, "blockCoverage")
        for item in kinds["line"]:
            statement = SubElement(blocks, "statement", alias=visible(item.name))
            _id(statement, *where(item))
            _bin(statement, "bin", item)
    if kinds["branch"]:
        branches = SubElement(instance, "branchCoverage")
        for place, items in _grouped((where(item), item) for item in kinds["branch"]):
            statement = SubElement(branches, "statement", statementType="if", branchExpr=f"line {place[1]}")
            _id(statement, *place)
            for item in items:
                branch = SubElement(statement, "branch")
                _id(branch, *place)
                _bin(branch, "branchBin", item, alias=visible(item.name))
    _cases(instance, kinds[FUNCTIONAL])


def _toggles(instance: Element, items: Sequence[Item], where: Callable[[Item], tuple[int, int]]) -> None:
    if not items:
        return
    toggles = SubElement(instance, "toggleCoverage")
    for key, (signal, of_signal) in enumerate(_grouped((_point(item).signal, item) for item in items)):
        shown = SubElement(toggles, "toggleObject", name=visible(signal), key=str(key))
        _id(shown, *where(of_signal[0]))
        for bit, edges in _grouped((_point(item).bit, item) for item in of_signal):
            toggle_bit = SubElement(shown, "toggleBit", name=f"[{bit}]", key=str(bit))
            for item in edges:
                begin, end = _ENDS[_point(item).what]
                _bin(SubElement(toggle_bit, "toggle", {"from": begin, "to": end}), "bin", item)


def _cases(instance: Element, items: Sequence[Item]) -> None:
    """Write the functional cases as one covergroup with one coverpoint."""
    group = SubElement(SubElement(instance, "covergroupCoverage"), "cgInstance", name="cases", key="0")
    SubElement(group, "options")
    about = SubElement(group, "cgId", cgName="cases", moduleName="testbench")
    for name in ("cginstSourceId", "cgSourceId"):
        SubElement(about, name, file="1", line="1", inlineCount="1")
    point = SubElement(group, "coverpoint", name="case", key="0")
    SubElement(point, "options")
    for key, item in enumerate(items):
        excluded = item.result == UNREACHABLE
        kind = "ignore" if excluded else "bins"
        case = SubElement(point, "coverpointBin", name=visible(item.name), key=str(key), type=kind)
        place = SubElement(case, "range", {"from": str(key), "to": str(key)})
        SubElement(place, "contents", coverageCount=str(item.count))
        if excluded:
            SubElement(case, "userAttr", key="excludedReason", type="str").text = visible(item.by)


def _bin(parent: Element, name: str, item: Item, **attributes: str) -> None:
    if item.result == UNREACHABLE:
        attributes |= {"excluded": "true", "excludedReason": visible(item.by)}
    contents = SubElement(parent, name, attributes)
    SubElement(contents, "contents", coverageCount=str(item.count))


def _id(parent: Element, file: int, line: int = 1) -> None:
    SubElement(parent, "id", file=str(file), line=str(line), inlineCount="1")


def _point(item: Item) -> Any:
    assert item.point is not None
    return item.point


def _grouped(pairs: Iterable[tuple[Any, Item]]) -> Iterable[tuple[Any, list[Item]]]:
    """Return items by what they belong to, in the order of their first."""
    groups: dict[object, list[Item]] = {}
    for group, item in pairs:
        groups.setdefault(group, []).append(item)
    return groups.items()
