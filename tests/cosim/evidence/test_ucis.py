"""UCIS: valid by the standard's schema, and read back with the same counts."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from qlif.cosim.coverage.report import COVERED, HOLE, UNREACHABLE, Coverage, Item
from qlif.cosim.coverage.structure import Point
from qlif.cosim.evidence.ucis import ucis

CLAIM = 'the bit "never" <changes>'

pytest.importorskip("ucis.xml")


def items():
    def point(kind, line, signal="", bit=0, what=""):
        return Point(kind, line, signal, bit, what)

    made = [Item("case", "rest", COVERED, 5), Item("case", "a & <b>", HOLE, 0)]
    made.append(Item("case", "saturated", UNREACHABLE, 0, CLAIM))
    for where, result, count, by in (
        (point("line", 3), COVERED, 7, ""),
        (point("line", 9), HOLE, 0, ""),
        (point("branch", 4, what="if, place 1"), COVERED, 2, ""),
        (point("branch", 4, what="else, place 1"), UNREACHABLE, 0, CLAIM),
        (point("toggle", 5, "core.sum", 0, "rises"), COVERED, 11, ""),
        (point("toggle", 5, "core.sum", 0, "falls"), COVERED, 10, ""),
        (point("toggle", 5, "core.sum", 1, "rises"), UNREACHABLE, 0, CLAIM),
        (point("toggle", 5, "core.sum", 1, "falls"), UNREACHABLE, 0, CLAIM),
    ):
        made.append(Item(where.kind, where.name, result, count, by, where))
    return made


def read(text, tmp_path):
    """Check a text by the schema; return pyucis' database and the plain XML."""
    from lxml import etree
    from ucis.xml import validate_ucis_xml
    from ucis.xml.xml_reader import XmlReader

    file = tmp_path / "read.xml"
    file.write_text(text, encoding="utf-8")
    assert validate_ucis_xml(str(file))
    return XmlReader().read(str(file)), etree.parse(file)


def counted(instance):
    """Return the bins of an instance by kind, as (all, hit, sum of counts)."""
    from ucis.cover_type_t import CoverTypeT as Cover
    from ucis.scope_type_t import ScopeTypeT as Scope

    found = {}
    for kind, scope, cover in (
        ("toggle", Scope.TOGGLE, Cover.TOGGLEBIN),
        ("line", Scope.BLOCK, Cover.STMTBIN),
        ("branch", Scope.BRANCH, Cover.BRANCHBIN),
    ):
        bins = [
            each.getCoverData().data for part in instance.scopes(scope) for each in part.coverItems(cover)
        ]
        found[kind] = len(bins), sum(count > 0 for count in bins), sum(bins)
    points = [
        point
        for group in instance.scopes(Scope.COVERGROUP)
        for one in group.scopes(Scope.COVERINSTANCE)
        for point in one.scopes(Scope.COVERPOINT)
    ]
    bins = [each.getCoverData().data for point in points for each in point.coverItems(Cover.CVGBIN)]
    ignored = [each for point in points for each in point.coverItems(Cover.IGNOREBIN)]
    found["case"] = len(bins) + len(ignored), sum(count > 0 for count in bins), sum(bins)
    return found


def test_each_configuration_is_an_instance_and_each_run_a_test(tmp_path):
    from ucis.history_node_kind import HistoryNodeKind
    from ucis.scope_type_t import ScopeTypeT

    hostile = 'tiny"/><x>&\x00'
    measured = [
        Coverage(name, ["directed", "stalled"], [3, 4], "qlif_population", "mine.v", items())
        for name in ("tiny-8", hostile)
    ]
    database, tree = read(ucis(measured), tmp_path)
    instances = list(database.scopes(ScopeTypeT.INSTANCE))
    assert [instance.getScopeName() for instance in instances] == ["tiny-8", 'tiny"/><x>&\\x00']
    runs = [node.getLogicalName() for node in database.getHistoryNodes(HistoryNodeKind.ALL)]
    assert len(runs) == 8 and runs[0] == "tiny-8 directed, seed 3"
    for instance in instances:
        found = counted(instance)
        assert found == {
            "toggle": (4, 2, 21),
            "line": (2, 1, 7),
            "branch": (2, 1, 2),
            "case": (3, 1, 5),
        }
    excluded = [each.get("excludedReason") for each in tree.iter("bin", "branchBin") if each.get("excluded")]
    reasons = [each.text for each in tree.iter("userAttr") if each.get("key") == "excludedReason"]
    assert excluded == [CLAIM] * 6 and reasons == [CLAIM] * 2


@pytest.mark.slow
def test_what_testbenches_reach_is_read_back_with_the_same_counts(qlif, tmp_path):
    small = ["--preset", "tiny-8", "--bench", "full_speed", "--seeds", 2, "--no-prove"]
    code, output, errors = qlif("coverage", *small, "--ucis", "ci/ucis.xml", "--junit", "j.xml", "--json")
    assert code == 1, errors
    facts = json.loads(output)
    assert facts["seeds"] == [0, 1]
    from ucis.scope_type_t import ScopeTypeT

    database, _ = read(Path("ci/ucis.xml").read_text(encoding="utf-8"), tmp_path)
    (instance,) = database.scopes(ScopeTypeT.INSTANCE)
    for kind, (total, hit, _) in counted(instance).items():
        assert (total, hit) == (facts[kind]["all"], facts[kind]["covered"]), kind
    assert counted(instance)["case"][2] == sum(case["count"] for case in facts["cases"])
    from junitparser import JUnitXml

    suites = JUnitXml.fromfile("j.xml")
    kinds = ("case", "line", "branch", "toggle")
    assert suites.tests == sum(facts[kind]["all"] for kind in kinds)
    assert suites.failures == sum(facts[kind]["hole"] for kind in kinds)
    by_seed = [Path(f"qlif-out/coverage/{name}/coverage.dat") for name in ("full_speed", "full_speed-1")]
    assert all(file.exists() for file in by_seed)


@pytest.mark.slow
def test_lanes_registers_and_memories_have_their_cases(qlif):
    size = ["--preset", "tiny-8", "--lanes", 2, "--register", "threshold", "--memory", "reset"]
    benches = ["--bench", "directed", "--bench", "rewritten"]
    code, output, errors = qlif("coverage", *size, *benches, "--json")
    assert code == 1, errors
    cases = {case["name"]: Counter(case["benches"]) for case in json.loads(output)["cases"]}
    for name in ("each lane spikes", "lanes spike alone", "all lanes spike at once", "highest current"):
        assert cases[name]["directed"] > 0, name
    for name in (
        "threshold written",
        "reset written for the first neuron and for the last",
        "a memory written in each lane",
        "a write waits until the timestep has ended",
        "a write while updates have come",
        "reset after a write",
    ):
        assert cases[name]["rewritten"] > 0 and not cases[name]["directed"], name


@pytest.mark.slow
def test_unreachability_of_lanes_is_refused_if_it_is_asked_for(qlif):
    small = ["--preset", "tiny-8", "--lanes", 2, "--bench", "full_speed", "--prove"]
    code, _, errors = qlif("coverage", *small)
    assert code == 2 and "one lane" in errors


def test_lines_of_somebody_elses_core_are_those_of_its_own_files(tmp_path):
    places = iter(("sub/a.v:70", "b.v:9", "sub/a.v:70", "sub/a.v:71", *["b.v:2"] * 4))
    own = [item if item.point is None else replace(item, place=next(places)) for item in items()]
    coverage = Coverage("mine", ["directed"], [0], "adapter", "adapter.v", own, [])
    _, tree = read(ucis([coverage]), tmp_path)
    files = {one.get("id"): one.get("fileName") for one in tree.iter("sourceFiles")}
    assert list(files.values()) == ["the testbenches", "adapter.v", "sub/a.v", "b.v"]
    found = [
        (files[place.get("file")], place.get("line"))
        for kind in ("blockCoverage", "branchCoverage", "toggleCoverage")
        for part in tree.iter(kind)
        for place in part.iter("id")
    ]
    assert {("sub/a.v", "70"), ("sub/a.v", "71"), ("b.v", "9"), ("b.v", "2")} == set(found)
