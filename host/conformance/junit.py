"""Result of a session as JUnit XML, which CI services show: a test case for each record."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ecg_edge.ecg.files import write_text
from ecg_edge.host.conformance.results import FAIL, INCONCLUSIVE, RecordResults, SessionResults, summary_of


def junit_xml(results: SessionResults) -> str:
    """Make the XML of a session.

    A record on which device and reference differ is a failure, one without a beat to compare is skipped, and
    an interrupted session has an error.
    """
    records = results["records"]
    failed = [record for record in records if record["verdict"] == FAIL]
    skipped = [record for record in records if record["verdict"] == INCONCLUSIVE]
    counts = {
        "tests": len(records) + results["interrupted"],
        "failures": len(failed),
        "errors": int(results["interrupted"]),
        "skipped": len(skipped),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    attributes |= {"time": f"{results['seconds']:.3f}", "timestamp": results["started"]}
    root = ElementTree.Element("testsuites", {"name": "ecg-edge replay", **attributes})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _name(results), **attributes})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(results).items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    for record in records:
        _add_case(suite, record)
    if results["interrupted"]:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "session", "name": "came to its end"})
        ElementTree.SubElement(case, "error", {"message": results["reason"] or "interrupted"})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def write_junit(path: Path, results: SessionResults) -> None:
    """Write the XML of a session to a file."""
    write_text(path, junit_xml(results))


def _name(results: SessionResults) -> str:
    return f"{results['subject']} against {results['reference_engine']}"


def _properties(results: SessionResults) -> dict[str, str]:
    return {
        "summary": summary_of(results),
        "port": results["port"],
        "board": str(results["device"]["board"]),
        "firmware": str(results["device"]["firmware_version"]),
        "model": results["bundle"],
        "model_sha256": results["model_sha256"],
    }


def _add_case(suite: ElementTree.Element, record: RecordResults) -> None:
    names = {"classname": f"replay.{record['database']}", "name": record["record"]}
    case = ElementTree.SubElement(suite, "testcase", {**names, "time": f"{record['seconds']:.3f}"})
    if record["verdict"] == FAIL:
        message = (
            f"{record['beats'] - record['agreeing_beats']} of {record['beats']} beats, "
            f"{record['events'] - record['agreeing_events']} of {record['events']} events and "
            f"{record['differing_bytes']} bytes differ; {record['lost_samples']} samples were lost"
        )
        failure = ElementTree.SubElement(case, "failure", {"message": message, "type": "difference"})
        failure.text = "\n".join(
            f"beat {one['beat_index']} ({', '.join(one['fields'])}): expected {one['expected']}, "
            f"device {one['device']}"
            for one in record["first_differences"]
        )
    elif record["verdict"] == INCONCLUSIVE:
        ElementTree.SubElement(case, "skipped", {"message": "nothing that could be compared"})
