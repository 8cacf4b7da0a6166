"""JUnit and HTML: the same counts in every file, and nothing in a name becomes markup."""

import json
from html.parser import HTMLParser
from pathlib import Path

import junitparser
import pytest

from qlif.cosim.evidence import gather
from qlif.cosim.evidence.evidence import Check, Evidence, Status, Table
from qlif.cosim.evidence.html import MOST_ROWS, html
from qlif.cosim.evidence.junit import junit
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.outcomes import Campaign, Outcome
from qlif.cosim.proof.claims import Claim

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "]]></failure><failure/>",
    "{{ 7 * 7 }} {% raw %}",
    "a\x00b\x1b[2J\ud800\ufffe\nc",
    "&amp; &#60;b&#62; --> <!--",
    "javascript:alert(1)//مرحبا\u202e",
)


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def evidence_with(text, tmp_path):
    picture = tmp_path / "picture.svg"
    picture.write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><title>{text!r}</title></svg>")
    checks = [Check(text, status, text, text, 1.5) for status in Status]
    return Evidence(
        command=text,
        subject=text,
        covers=text,
        checks=checks,
        facts={text: text, "count": 1234567},
        tables=[Table(text, (text, text), [(text, 1.5), (None, True)])],
        pictures=[picture],
        notes=[text],
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_of_a_report(tmp_path, text):
    plain, page = (Page(html(evidence_with(each, tmp_path))) for each in ("plain", text))
    assert page.open == []
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attributes) for _, attributes in page.elements] == [
        sorted(attributes) for _, attributes in plain.elements
    ]
    for tag, attributes in page.elements:
        for name in {"src", "srcset", "href"} & set(attributes):
            assert attributes[name].startswith("data:image/svg+xml;base64,"), tag
    assert not {"script", "link", "iframe", "svg"} & {tag for tag, _ in page.elements}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_of_junit(tmp_path, text):
    written = tmp_path / "junit.xml"
    written.write_text(junit(evidence_with(text, tmp_path)), encoding="utf-8")
    suites = junitparser.JUnitXml.fromfile(str(written))
    (suite,) = suites
    assert len(list(suite)) == suites.tests == len(Status)
    assert (suites.failures, suites.errors, suites.skipped) == (1, 1, 1)
    if text.isprintable():
        assert {case.name for case in suite} == {text}


def test_a_report_names_all_that_is_wrong_and_what_the_verdict_covers(tmp_path):
    checks = [Check.of(f"check {number}", False, f"wrong {number}") for number in range(3)]
    made = Evidence(command="cosim", subject="square-18", covers="These inputs.", checks=checks)
    page = Page(html(made))
    assert "Failed" in page.text and "3 failed" in page.text and "These inputs." in page.text
    assert all(f"wrong {number}" in page.text for number in range(3))
    passed = Evidence(command="cosim", subject="square-18", covers="", checks=[Check.of("a", True, "no")])
    assert passed.passed and "Passed" in Page(html(passed)).text and "Failed" not in Page(html(passed)).text


def test_a_study_that_checks_nothing_neither_passes_nor_fails(tmp_path):
    rows = [{"bits": 8, "rate": 1.5}, {"bits": 12, "lag": 3}]
    page = Page(html(gather.of_study("reproduce", "isi: how long?", ["It is <long>."], rows, [])))
    assert "Measured" in page.text and "Passed" not in page.text and "Failed" not in page.text
    assert "It is <long>." in page.text and "lag" in page.text


def test_a_long_table_says_that_it_is_cut(tmp_path):
    rows = [(number,) for number in range(MOST_ROWS + 1)]
    made = Evidence(command="study", subject="", covers="", checks=[], tables=[Table("T", ("n",), rows)])
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows" in Page(html(made)).text


def claims():
    run = {"preset": "tiny-8", "seconds": 1.0}
    return [
        Claim(claim="a", result="proved", bound=None, **run),
        Claim(claim="b", result="proved", bound=3, **run),
        Claim(claim="c", result="refuted", bound=None, counterexample={"potential": -3}, **run),
        Claim(claim="d", result="unknown", bound=None, **run),
    ]


def campaign():
    def outcome(number, result, by):
        mutant = Mutant(number, "inv", "$add$1", "A", 0, "core.sum", (3,), "$add$1")
        return Outcome(mutant, result, by, None, "passed")

    results = [
        (1, "killed", "directed: updates_spike"),
        (2, "equivalent", "induction"),
        (3, "survived", "timeout"),
    ]
    return Campaign("tiny-8", 1, 100, [outcome(*each) for each in results])


@pytest.mark.parametrize(
    ("made", "counts"),
    [(gather.of_prove(claims()), (4, 1, 1, 0)), (gather.of_mutate(campaign()), (3, 1, 0, 1))],
    ids=["prove", "mutate"],
)
def test_junit_has_a_case_for_each_claim_and_mutant(tmp_path, made, counts):
    written = tmp_path / "junit.xml"
    written.write_text(junit(made), encoding="utf-8")
    suites = junitparser.JUnitXml.fromfile(str(written))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == counts
    assert not made.passed
    for status in Status:
        if made.count(status):
            assert f"{made.count(status)} {status}" in Page(html(made)).text


@pytest.mark.slow
def test_cosim_hands_in_what_it_found(qlif, quick_simulator, tmp_path):
    small = ["--preset", "tiny-8", "--neurons", 8, "--steps", 40, "--simulator", quick_simulator.name]
    files = ["--junit", "ci/junit.xml", "--report", "ci/report.html", "--json"]
    code, output, errors = qlif("cosim", *small, "--thorough", "--max-rmse", 0.0001, *files)
    assert code == 1, errors
    facts = json.loads(output)
    suites = junitparser.JUnitXml.fromfile("ci/junit.xml")
    names = [case.name for suite in suites for case in suite]
    # The replay's data and streams, each further test, and the one limit.
    assert len(names) == suites.tests == 2 + facts["thorough_tests"] + 1
    assert {"bit-exact", "stream rules", "directed", "full_speed", "potential RMSE"} <= set(names)
    assert (suites.failures, suites.errors) == (1, 0)
    (failed,) = (case for suite in suites for case in suite if not case.is_passed)
    assert failed.name == "potential RMSE" and "above 0.0001" in failed.result[0].message
    page = Page(Path("ci/report.html").read_text(encoding="utf-8"))
    assert f"{facts['updates']:,} updates" in page.text
    assert all(line["name"] in page.text for line in facts["exact"])
    assert sum(tag == "img" for tag, _ in page.elements) == 3


@pytest.mark.slow
def test_a_run_that_ends_early_is_no_success(qlif, quick_simulator, tmp_path, with_fault):
    from qlif.cosim.configuration import Settings

    export = Settings.read("tiny-8", None).population(8).export()
    (tmp_path / "mine.v").write_text(with_fault(export, {"updates_valid": "raw & (count < 3)"}).verilog)
    small = ["--preset", "tiny-8", "--neurons", 8, "--steps", 20, "--simulator", quick_simulator.name]
    files = ["--junit", "junit.xml", "--report", "report.html"]
    code, _, errors = qlif("cosim", *small, "--verilog", "mine.v", *files)
    assert code == 1, errors
    suites = junitparser.JUnitXml.fromfile("junit.xml")
    assert (suites.tests, suites.failures) == (2, 1)
    assert "Failed" in Page(Path("report.html").read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--junit", "."], "--junit must be a file, not the folder"),
        (["--report", "file.txt/report.html"], "file.txt is a file, not a folder"),
        (["--junit", "one", "--report", "./one"], "must not be the same file"),
    ],
)
def test_files_that_cant_be_written_are_refused_before_the_run(qlif, tmp_path, options, said):
    (tmp_path / "file.txt").write_text("kept")
    code, _, errors = qlif("prove", "--preset", "tiny-8", *options)
    assert code == 2 and said in errors
    assert (tmp_path / "file.txt").read_text() == "kept"
