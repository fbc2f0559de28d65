# SPDX-License-Identifier: Apache-2.0
"""Who may report what on which snapshot, and in which order it is asked."""

from __future__ import annotations

import threading
from concurrent import futures

import ddt
import sqlalchemy as sa
from oslo_context import context as oslo_context
from reported import StatusApiTestCase
from scripted import PROJECT

from assisted_kit.db import rows
from conformance.hostile.api_bodies import DONE
from conformance.hostile.api_bodies import KEY
from conformance.hostile.api_bodies import MALFORMED
from conformance.hostile.api_bodies import UNFIT

STRANGER = "f" * 32


def caller(
    project: str = PROJECT, roles: tuple[str, ...] = ("member",)
) -> oslo_context.RequestContext:
    return oslo_context.RequestContext(
        is_admin=False, project_id=project, roles=list(roles)
    )


@ddt.ddt
class OrderTest(StatusApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.put("creating", "compute")

    @ddt.named_data(*MALFORMED.items())
    def test_malformed_whoever_asks_about_whatever(self, body) -> None:
        before = self.stored()
        self.assertEqual(400, self.post(body))
        # The body comes first: not even the snapshot is looked for.
        self.assertEqual(400, self.post(body, caller(), "missing"))
        self.assertEqual(before, self.stored())

    @ddt.named_data(*UNFIT.items())
    def test_unfit_for_a_snapshot_being_created(self, report) -> None:
        before = self.stored()
        fields = dict(report)
        if "file_format" in report:
            fields["file_format"] = {
                name.replace("VOLUME", self.name): format_
                for name, format_ in report["file_format"].items()
            }
        self.assertEqual(400, self.send(**fields))
        self.assertEqual(before, self.stored())
        self.assertFalse(self.notified())

    @ddt.named_data(
        ("admin", oslo_context.RequestContext(is_admin=True), 404),
        ("service", caller(STRANGER, ("service",)), 404),
        ("member", caller(), 404),
    )
    def test_missing_snapshot(self, context, code) -> None:
        self.assertEqual(code, self.post({KEY: DONE}, context, "missing"))

    @ddt.named_data(
        ("admin", oslo_context.RequestContext(is_admin=True), 202),
        ("service of any project", caller(STRANGER, ("service",)), 202),
        ("a role's case does not matter", caller(STRANGER, ("Service",)), 202),
        ("a member could forge it", caller(), 403),
        ("so could one without roles", caller(roles=()), 403),
        ("a project's own admin role", caller(roles=("services",)), 403),
        ("a stranger does not see it", caller(STRANGER), 404),
        ("nobody", caller(None, ()), 404),
    )
    def test_policy(self, context, code) -> None:
        before = self.stored()
        self.assertEqual(code, self.send(context, **DONE))
        if code != 202:
            self.assertEqual(before, self.stored())
            self.assertFalse(self.notified())

    @ddt.named_data(
        ("member", caller(), 403),
        ("stranger", caller(STRANGER), 404),
        ("admin", oslo_context.RequestContext(is_admin=True), 400),
    )
    def test_the_state_comes_last(self, context, code) -> None:
        wrong_state = {"status": "deleting"}
        self.assertEqual(code, self.send(context, **wrong_state))

    def test_a_deleted_snapshot_is_missing(self) -> None:
        self.kit.overwrite(rows.SNAPSHOTS, deleted=True)
        self.assertEqual(404, self.send(**DONE))


@ddt.ddt
class FileFormatTest(StatusApiTestCase):
    """Checked at once, and not stored."""

    def report(self, formats: dict[str, str], status: str = "creating") -> str:
        word = f"{status}_compute_complete"
        code = self.send(
            status=status,
            compute_snapshot_status=word,
            file_format={
                name.replace("NAME", self.name): value
                for name, value in formats.items()
            },
        )
        if code != 202:
            return str(code)
        self.assertNotIn("file_format", str(self.kit.admin_metadata(self.id)))
        return self.stored()["snapshot_status"].rpartition("_")[2]

    @ddt.named_data(
        ("none", {}, "complete"),
        ("overlay", {"NAME.abcd": "qcow2"}, "complete"),
        ("raw overlay", {"NAME.abcd": "raw"}, "error"),
        ("another format", {"NAME.abcd": "vmdk"}, "error"),
        ("base", {"NAME": "raw"}, "complete"),
        ("base that looks like qcow2", {"NAME": "qcow2"}, "error"),
        ("both", {"NAME": "raw", "NAME.abcd": "qcow2"}, "complete"),
        ("one of two", {"NAME.a": "raw", "NAME.b": "qcow2"}, "error"),
        ("new file", {"own-name": "qcow2"}, "complete"),
        ("raw new file", {"own-name": "raw"}, "error"),
        ("another volume's", {"volume-x": "raw"}, "400"),
        ("a longer name", {"NAME-2": "raw"}, "400"),
        ("a path", {"/NAME": "raw"}, "400"),
        ("foreign and wrong", {"NAME.a": "raw", "x": "raw"}, "400"),
        ("empty", {"": "raw"}, "400"),
    )
    def test_create(self, formats, expected) -> None:
        self.put("creating", "compute", create_info__new_file="own-name")
        self.set_formats(format="raw")
        before = self.stored()
        self.assertEqual(expected, self.report(formats))
        if expected == "400":
            self.assertEqual(before, self.stored())

    @ddt.named_data(
        ("nothing recorded, raw", {}, "raw", "complete"),
        ("nothing recorded, qcow2", {}, "qcow2", "error"),
        ("format", {"format": "qcow2"}, "qcow2", "complete"),
        ("not the format", {"format": "qcow2"}, "raw", "error"),
        (
            "base_format has the word",
            {"format": "qcow2", "base_format": "raw"},
            "raw",
            "complete",
        ),
        (
            "format is the overlay's",
            {"format": "qcow2", "base_format": "raw"},
            "qcow2",
            "error",
        ),
    )
    def test_base(self, recorded, reported, expected) -> None:
        self.put("deleting", "compute")
        self.set_formats(**recorded)
        self.assertEqual(expected, self.report({"NAME": reported}, "deleting"))

    @ddt.named_data(
        ("an overlay", "own-name", {"own-name": "qcow2"}, "complete"),
        ("a raw overlay", "own-name", {"own-name": "raw"}, "error"),
        # Pulled into the active image, down to the base image.
        ("the base image", "NAME", {"NAME": "raw"}, "complete"),
    )
    def test_file_to_merge(self, merged, formats, expected) -> None:
        self.put("deleting", "compute")
        self.set_formats(format="qcow2", base_format="raw")
        merged = merged.replace("NAME", self.name)
        with self.kit.engine.begin() as connection:
            connection.execute(
                sa.insert(rows.SNAPSHOT_ADMIN_METADATA).values(
                    key="delete_info:file_to_merge",
                    value=merged,
                    volume_id=self.volume_id,
                    snapshot_id=self.id,
                    deleted=False,
                )
            )
        self.assertEqual(expected, self.report(formats, "deleting"))

    def set_formats(self, **formats: str) -> None:
        self.kit.database.volumes.update(
            self.volume_id, {}, admin_metadata=formats
        )


class ConcurrencyTest(StatusApiTestCase):
    """Check and update are one compare-and-swap."""

    def race(self, *reports: dict) -> list[int]:
        start = threading.Barrier(len(reports))

        def send(fields: dict) -> int:
            start.wait()
            try:
                self.kit.api.update_snapshot_status(
                    oslo_context.RequestContext(is_admin=True),
                    self.id,
                    {KEY: fields},
                )
            except Exception as error:
                return int(error.code)
            return 202

        with futures.ThreadPoolExecutor(len(reports)) as pool:
            return list(pool.map(send, reports))

    def test_of_contradicting_reports_exactly_one_wins(self) -> None:
        failed = {"status": "error", "progress": "90%"}
        for _ in range(5):
            self.put("creating", "compute")
            codes = self.race(DONE, failed)
            self.assertEqual([202, 400], sorted(codes))
            word = "complete" if codes[0] == 202 else "error"
            stored = self.stored()
            self.assertEqual(
                f"creating_compute_{word}", stored["snapshot_status"]
            )
            self.assertEqual(
                ("complete", "90%")
                if word == "complete"
                else ("compute", "0%"),
                (stored["phase"], stored["progress"]),
            )

    def test_of_equal_reports_one_tells_the_manager(self) -> None:
        self.put("creating", "compute")
        self.assertEqual([202] * 6, self.race(*[DONE] * 6))
        told = 0
        while not self.kit.heard.empty():
            told += getattr(self.kit.heard.get(), "snapshot_id", "") == self.id
        self.assertEqual(1, told)
