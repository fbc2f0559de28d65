# SPDX-License-Identifier: Apache-2.0
"""What a report means, by the clauses of contract section 7."""

from __future__ import annotations

import ddt
from reported import StatusApiTestCase

C, D = "creating", "deleting"
ERROR, ERROR_D = "error", "error_deleting"
NINETY = "90%"
DONE_C, DONE_D = "creating_compute_complete", "deleting_compute_complete"
ERROR_CC, ERROR_DC = "creating_compute_error", "deleting_compute_error"
WORKING_C, WORKING_D = "creating_compute", "deleting_compute"

# name, current status, report (status, compute_snapshot_status, progress),
# what is stored then (snapshot_status, progress).  '0%' is what both start at.
MEANINGS = (
    # Juno: progress alone, and the status has the first word.
    ("juno create done", C, (C, None, NINETY), (DONE_C, NINETY)),
    ("juno create failed", C, (ERROR, None, NINETY), (ERROR_CC, "0%")),
    ("juno delete done", D, (D, None, NINETY), (DONE_D, NINETY)),
    ("juno delete failed", D, (ERROR_D, None, NINETY), (ERROR_DC, "0%")),
    ("juno working", C, (C, None, "50%"), (WORKING_C, "50%")),
    ("juno deleting", D, (D, None, "89%"), (WORKING_D, "89%")),
    ("juno 91", C, (C, None, "91%"), (WORKING_C, "91%")),
    ("juno 100", C, (C, None, "100%"), (WORKING_C, "100%")),
    ("status only", C, (C, None, None), (WORKING_C, "0%")),
    ("empty progress", C, (C, None, ""), (WORKING_C, "0%")),
    ("available is done", C, ("available", None, None), (DONE_C, NINETY)),
    ("available at 50", C, ("available", None, "50%"), (DONE_C, NINETY)),
    # Dual: both, and compute_snapshot_status decides.
    ("dual create done", C, (C, DONE_C, NINETY), (DONE_C, NINETY)),
    ("dual delete done", D, (D, DONE_D, NINETY), (DONE_D, NINETY)),
    ("dual create failed", C, (ERROR, ERROR_CC, NINETY), (ERROR_CC, "0%")),
    ("dual delete failed", D, (ERROR_D, ERROR_DC, NINETY), (ERROR_DC, "0%")),
    ("90 while working", C, (C, WORKING_C, NINETY), (WORKING_C, "0%")),
    ("90 while deleting", D, (D, WORKING_D, NINETY), (WORKING_D, "0%")),
    ("90 with an error word", C, (C, ERROR_CC, NINETY), (ERROR_CC, "0%")),
    ("50 while working", C, (C, WORKING_C, "50%"), (WORKING_C, "50%")),
    # New: no progress, and the mirror supplies it.
    ("new create done", C, (C, DONE_C, None), (DONE_C, NINETY)),
    ("new delete done", D, (D, DONE_D, None), (DONE_D, NINETY)),
    ("new create failed", C, (ERROR, ERROR_CC, None), (ERROR_CC, "0%")),
    ("new delete failed", D, (ERROR_D, ERROR_DC, None), (ERROR_DC, "0%")),
    ("new create working", C, (C, WORKING_C, None), (WORKING_C, "0%")),
    ("new delete working", D, (D, WORKING_D, None), (WORKING_D, "0%")),
    ("done at 100", C, (C, DONE_C, "100%"), (DONE_C, NINETY)),
    ("done with a failed status", C, (ERROR, DONE_C, None), (ERROR_CC, "0%")),
    ("liberty", D, (D, "delete_compute_complete", None), (DONE_D, NINETY)),
)

# name, current status, reported status, word
MISFITS = (
    ("create turned delete", C, D, None),
    ("create to error_deleting", C, ERROR_D, None),
    ("create to deleted", C, "deleted", None),
    ("delete turned create", D, C, None),
    ("delete to available", D, "available", None),
    ("delete to error", D, ERROR, None),
    ("delete to deleted", D, "deleted", None),
    ("unknown status", C, "created", None),
    ("empty status", C, "", None),
    ("a delete's word on a create", C, C, DONE_D),
    ("the Liberty word on a create", C, C, "delete_compute_complete"),
    ("a create's word on a delete", D, D, DONE_C),
    ("unknown word", C, C, "create_compute_complete"),
    ("empty word", C, C, ""),
    ("another case", C, C, DONE_C.upper()),
    ("an error with a foreign word", C, ERROR, ERROR_DC),
    *(
        (f"nothing in flight: {status}", status, reported, None)
        for status, reported in (
            ("available", C),
            ("available", "available"),
            (ERROR, C),
            (ERROR, ERROR),
            (ERROR_D, D),
            ("backing-up", "backing-up"),
        )
    ),
)


def report(status: str, word: str | None, progress: str | None) -> dict:
    fields = {"status": status}
    if word is not None:
        fields["compute_snapshot_status"] = word
    if progress is not None:
        fields["progress"] = progress
    return fields


@ddt.ddt
class MeaningTest(StatusApiTestCase):
    @ddt.named_data(*MEANINGS)
    def test_with_hooks(self, current, sent, expected) -> None:
        self.put(current, "compute")
        self.assertEqual(202, self.send(**report(*sent)))
        stored = self.stored()
        self.assertEqual(
            expected, (stored["snapshot_status"], stored["progress"])
        )
        # An error leaves the status to the manager, and `available` the
        # snapshot `creating` until complete has returned.
        done = expected[0] in (DONE_C, DONE_D)
        self.assertEqual(
            (current, "complete" if done else "compute"),
            (stored["status"], stored["phase"]),
        )
        self.assertTrue(self.notified())

    @ddt.named_data(*MEANINGS)
    def test_legacy(self, current, sent, expected) -> None:
        self.put(current, None)
        self.assertEqual(202, self.send(**report(*sent)))
        stored = self.stored()
        self.assertEqual(
            expected, (stored["snapshot_status"], stored["progress"])
        )
        # Its driver polls: the status is the signal that something failed.
        failed = {ERROR_CC: ERROR, ERROR_DC: ERROR_D}
        self.assertEqual(
            (failed.get(expected[0], current), None),
            (stored["status"], stored["phase"]),
        )

    @ddt.named_data(*MISFITS)
    def test_misfit(self, current, status, word) -> None:
        in_flight = current in (C, D)
        self.put(current, "compute" if in_flight else None)
        before = self.stored()
        self.assertEqual(400, self.send(**report(status, word, None)))
        self.assertEqual(before, self.stored())
        self.assertFalse(self.notified())
        self.assertIn(current, self.message)

    @ddt.data("compute", None)
    def test_reported_again_after_an_error(self, phase) -> None:
        self.put(C, phase)
        self.send(**report(ERROR, ERROR_CC, None))
        before = self.stored()
        self.notified()
        repeated = self.send(**report(ERROR, ERROR_CC, None))
        # A legacy driver's snapshot has left `creating` with the first.
        self.assertEqual(202 if phase else 400, repeated)
        self.assertEqual(400, self.send(**report(C, DONE_C, NINETY)))
        self.assertEqual(before, self.stored())
        self.assertFalse(self.notified())


@ddt.ddt
class PhaseTest(StatusApiTestCase):
    """For a driver with hooks a report counts only in ``compute``."""

    @ddt.named_data(
        ("done", C, DONE_C),
        ("working", C, WORKING_C),
        ("failed", ERROR, ERROR_CC),
    )
    def test_begin(self, status, word) -> None:
        self.put(C, "begin")
        before = self.stored()
        self.assertEqual(400, self.send(**report(status, word, None)))
        self.assertEqual(before, self.stored())
        self.assertFalse(self.notified())

    @ddt.named_data(
        ("the same", C, DONE_C, None, 202),
        ("the same by another generation", C, None, NINETY, 202),
        ("by status", "available", None, None, 202),
        ("working again", C, WORKING_C, None, 400),
        ("an error after all", ERROR, ERROR_CC, None, 400),
        ("an error with 90", ERROR, None, NINETY, 400),
        ("nothing said", C, None, None, 400),
    )
    def test_complete(self, status, word, progress, code) -> None:
        self.put(C, "compute")
        self.assertEqual(202, self.send(**report(C, DONE_C, None)))
        before = self.stored()
        self.assertEqual("complete", before["phase"])
        self.notified()
        self.assertEqual(code, self.send(**report(status, word, progress)))
        self.assertEqual(before, self.stored())
        self.assertFalse(self.notified())

    def test_complete_without_a_request(self) -> None:
        self.put(C, "complete")
        self.assertEqual(400, self.send(**report(C, DONE_C, NINETY)))

    def test_until_the_deadline(self) -> None:
        self.put(C, "compute")
        self.kit.clock.advance(599)
        self.assertEqual(202, self.send(**report(C, DONE_C, None)))

    @ddt.data(WORKING_C, DONE_C)
    def test_late(self, word) -> None:
        # Nobody has acted on the deadline yet; it has passed all the same.
        self.put(C, "compute")
        self.kit.clock.advance(600)
        before = self.stored()
        self.assertEqual(400, self.send(**report(C, word, NINETY)))
        self.assertEqual(before, self.stored())


@ddt.ddt
class ComputeProgressTest(StatusApiTestCase):
    def working(self, percent: int, **fields) -> int:
        return self.send(
            status=C,
            compute_snapshot_status=WORKING_C,
            compute_progress=percent,
            **fields,
        )

    def deadline(self) -> float:
        return float(self.stored()["deadline"]) - self.kit.clock.now()

    def test_a_rise_raises_the_deadline(self) -> None:
        self.put(C, "compute")
        self.kit.clock.advance(500)
        self.assertEqual(202, self.working(0))
        self.assertEqual(600, self.deadline())
        self.kit.clock.advance(500)
        self.working(1)
        self.assertEqual(600, self.deadline())
        self.assertEqual("1", self.stored()["compute_progress"])

    def test_a_delete_has_its_own_time(self) -> None:
        self.put(D, "compute")
        self.send(status=D, compute_progress=5)
        self.assertEqual(7200, self.deadline())

    @ddt.named_data(("the same", (20, 20)), ("to and fro", (20, 10, 20)))
    def test_no_rise_leaves_the_deadline(self, percents) -> None:
        self.put(C, "compute")
        self.working(percents[0])
        self.kit.clock.advance(100)
        for percent in percents[1:]:
            self.assertEqual(202, self.working(percent))
        self.assertEqual(500, self.deadline())
        self.assertEqual("20", self.stored()["compute_progress"])

    def test_a_report_without_it_leaves_the_deadline(self) -> None:
        self.put(C, "compute")
        self.kit.clock.advance(100)
        self.send(**report(C, WORKING_C, "50%"))
        self.assertEqual(500, self.deadline())

    def test_100_completes_nothing(self) -> None:
        self.put(C, "compute")
        self.working(100)
        stored = self.stored()
        self.assertEqual(
            ("compute", WORKING_C, "0%"),
            (stored["phase"], stored["snapshot_status"], stored["progress"]),
        )

    def test_legacy_has_no_deadline(self) -> None:
        self.put(C, None)
        self.assertEqual(202, self.working(50))
        self.assertEqual("50", self.stored()["compute_progress"])
        self.assertIsNone(self.stored()["deadline"])
